# The same with operators.
x = !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!1 # ERROR: Nested too deep: Blocks, lists and objects nest at most 32 deep.
