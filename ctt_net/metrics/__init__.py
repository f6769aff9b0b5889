"""Measures of predicted acuity and recovery on arrays, and the patient bootstrap under them."""
