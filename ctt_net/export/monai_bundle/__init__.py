"""A trained model as a MONAI Bundle, the format in which the field exchanges models.

Nothing here imports MONAI: a bundle names classes of this package, and MONAI's own command line
imports them. Writing one needs torch, running one needs torch and MONAI.
"""
