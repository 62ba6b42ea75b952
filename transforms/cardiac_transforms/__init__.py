"""Reusable cardiac transforms for MONAI pipelines; independent of monai_jdl."""
