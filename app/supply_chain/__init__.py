"""What belongs to the sample domain in the application: `clearance data …` and `clearance demo`."""
