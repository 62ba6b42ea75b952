# Makes the virtual environment .venv with the versions of constraints.txt, and activates it. Sourced by the other scripts.
# pip's own settings (environment variables, pip.conf) are honoured; PYTHON chooses the interpreter (3.10 or newer).
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ ! -x .venv/bin/python ]; then
    "${PYTHON:-python3}" -m venv .venv
fi
. .venv/bin/activate
stamp=$(cat setup.cfg pyproject.toml constraints.txt | cksum)
if [ "$(cat .venv/installed 2>/dev/null)" != "$stamp" ]; then
    echo "Installing into .venv ..."
    python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all,test]"
    echo "$stamp" > .venv/installed
fi
# Threads that spin while they wait slow each other down on a busy machine.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
