"""Postoperative visual acuity from several preoperative OCT B-scans and the preoperative acuity.

```python
import ctt_net

cohort = ctt_net.load_cohort("data/my_cohort")
run = ctt_net.train(cohort, config="ctt_net", folds=[1], trainer={"max_epochs": 30})
model = ctt_net.load_model(run)
result = ctt_net.evaluate(model, "data/held_out")
```
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctt_net.api.cohort import Cohort, load_cohort, simulate_cohort
    from ctt_net.api.model import Model, create_model, evaluate, load_model
    from ctt_net.api.patient import ExplanationResult, PatientResult
    from ctt_net.api.run import Result, Run, train

__version__ = "0.2.0"

INTENDED_USE = (
    "Research use only. Not a medical device; not for diagnosis, treatment decisions or deciding "
    "whether to operate. Performance in your population is unknown until you validate it locally."
)

# Before their import: onnxruntime reports its use to its maker, and keeps an identifier of the
# device in the home folder; albumentations asks a package registry for its newest version.
for _switch in ("ORT_DISABLE_TELEMETRY", "NO_ALBUMENTATIONS_UPDATE"):
    os.environ.setdefault(_switch, "1")

# Loaded at first use: `import ctt_net` brings neither pandas nor torch.
_MODULES = {
    "cohort": ("Cohort", "load_cohort", "simulate_cohort"),
    "model": ("Model", "create_model", "evaluate", "load_model"),
    "patient": ("ExplanationResult", "PatientResult"),
    "run": ("Result", "Run", "train"),
}
_NAMES = {name: f"ctt_net.api.{module}" for module, names in _MODULES.items() for name in names}

__all__ = [
    "INTENDED_USE",
    "Cohort",
    "ExplanationResult",
    "Model",
    "PatientResult",
    "Result",
    "Run",
    "__version__",
    "create_model",
    "evaluate",
    "load_cohort",
    "load_model",
    "simulate_cohort",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'ctt_net' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
