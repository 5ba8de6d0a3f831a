# Shared by the layers: install a lock file for Lambda's platform, whatever platform and Python this machine has.
# `sam build` runs a layer's Makefile by its path in the checkout, from a scratch copy of the layer; ARTIFACTS_DIR is its own.

.SILENT:

LAYER := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
ROOT := $(abspath $(LAYER)/../..)
PIP := $(ROOT)/.venv/bin/python -I -m pip
TARGET := $(ARTIFACTS_DIR)/python
ASSETS := $(or $(FACESEARCH_ASSETS),$(ROOT)/.cache/assets)

# arm64 is what template.yaml deploys; x86_64 is for trying a layer on such a machine (its OpenCV alone is past Lambda's limit).
ARCH ?= arm64
MACHINE := $(if $(filter arm64,$(ARCH)),aarch64,x86_64)

# Lambda's Python 3.13 runs on Amazon Linux 2023, glibc 2.34.
TAGS := manylinux2014 manylinux_2_17 manylinux_2_24 manylinux_2_26 manylinux_2_27 manylinux_2_28 manylinux_2_31 manylinux_2_34
PLATFORM := $(foreach tag,$(TAGS),--platform $(tag)_$(MACHINE)) --python-version 3.13 --implementation cp --only-binary :all:

# --no-deps: the lock is complete, and pip would judge its markers by this machine's Python.
define install
$(PIP) install -qq --no-input --disable-pip-version-check --progress-bar off --no-compile --no-user \
  $(PLATFORM) --require-hashes --no-deps --resume-retries 5 --target $(TARGET) --requirement $(LAYER)requirements.txt
$(prune)
endef

# What only building on a package, checking it with mypy or testing it needs. What stays: all that importing reads, what
# importlib.metadata tells (METADATA, entry points), licences and SBOMs. RECORD lists what is not there any more.
# numpy.testing, which other packages import, takes _natype.py from numpy's own tests.
define prune
rm -rf $(TARGET)/bin
find $(TARGET) -type d -name __pycache__ -prune -exec rm -rf {} +
find $(TARGET) -type f -path '*/tests/*' ! -name _natype.py -delete
find $(TARGET) -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.h' -o -name '*.c' -o -name '*.a' \) -delete
find $(TARGET) -type f -path '*.dist-info/*' \( -name RECORD -o -name INSTALLER -o -name REQUESTED -o -name WHEEL -o -name direct_url.json \) -delete
find $(TARGET) -type d -empty -delete
endef

# Any 3.13 writes the bytecode that Lambda's reads. Name another one: make build PYTHON313=/path/to/python3.13
PYTHON313 ?= $(shell for p in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
    "$$HOME"/.local/share/uv/python/cpython-3.13.*/bin/python3.13; do \
    "$$p" -I -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)

# Bytecode saves a cold start the compiling, but only 3.13's own is read there. Unchecked: Lambda's file times are not ours.
define compile
if [ -n "$(PYTHON313)" ]; then \
  PYTHONPYCACHEPREFIX= "$(PYTHON313)" -I -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $(TARGET) -p /opt/python $(TARGET); \
else echo "No python3.13 here: the layer goes without bytecode, and cold starts take a little longer."; fi
endef
