"""Pure functions, one module per physical effect: tensors and explicit parameters in, tensors out.

No random numbers, no MetaTensor, no files. Images are channel-first ``(C, X, Y, Z)`` with the slices along Z.
"""
