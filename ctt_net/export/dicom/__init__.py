"""A prediction as DICOM: a measurement report (TID 1500), and a Secondary Capture of a page.

Needs the extra `dicom`. Both take the contents of prediction.json and no more: the patient has
the id that was given and no name.
"""
