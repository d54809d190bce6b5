"""Training of the demo model: photographs, targets, networks, the three trainings, the gates and the export."""
