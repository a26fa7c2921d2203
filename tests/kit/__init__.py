"""What the tests that run trun for real are written with: a project folder, puppets, processes, terminals."""
