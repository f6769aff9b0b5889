"""Why a model predicts what it does of an eye: contributions, what-if curve, heat maps.

All are in logMAR and hold for the prediction as it is reported: the mean of the members, the
clinical start included. docs/concepts/explanations.md says what they can and cannot tell.
"""

from ctt_net.explain.contributions import Contribution, contributions, shapley_values
from ctt_net.explain.explanation import Explanation, explain_eyes
from ctt_net.explain.heat_map import occlusion_maps
from ctt_net.explain.what_if import what_if
