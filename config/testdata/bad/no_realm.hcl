# A file without realms. # ERROR: No realm: A border needs networks that it stands between: write realm "outside" { ... } and realm "inside" { ... }.
