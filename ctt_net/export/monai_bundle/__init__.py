"""Door 4: a trained model as a MONAI Bundle, the form in which this field hands models over.

Nothing here imports MONAI: a bundle names classes of this room, and MONAI's own command line finds
them. Writing one needs torch, running one needs torch and MONAI.
"""
