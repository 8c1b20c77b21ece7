# Brackets beyond all reason.
x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ # ERROR: Nested too deep: Blocks, lists, objects and operators nest at most 32 deep.
