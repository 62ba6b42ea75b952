"""Pure functions, one module per physical effect: tensors and explicit parameters in, tensors out.

No MetaTensor, no files; noise takes its torch.Generator. Images are channel-first ``(C, X, Y, Z)`` with the slices along Z.
"""
