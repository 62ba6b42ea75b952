"""``python -m monai_jdl`` is ``monai-jdl``."""

from monai_jdl.cli import main

if __name__ == "__main__":
    main()
