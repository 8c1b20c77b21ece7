# Of the output of go test -v, prints the closing line of each package, and
# all output of those that failed.
/^(ok|\?) / || /^ok  \t/ || /^\?   \t/ || /no test files/ { print; held = ""; next }
/^FAIL\t/ { printf "%s%s\n", held, $0; held = ""; fflush(); next }
{ held = held $0 "\n" }
END { if (held ~ /(^|\n)(FAIL|panic:|# )/) printf "%s", held }
