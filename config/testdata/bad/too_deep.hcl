# Brackets beyond all reason.
x = [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ # ERROR: Nested too deep: Blocks, lists and objects nest at most 32 deep.
