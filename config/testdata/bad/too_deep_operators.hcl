# The same with operators.
x = !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!1 # ERROR: Nested too deep: Blocks, lists, objects and operators nest at most 32 deep.
