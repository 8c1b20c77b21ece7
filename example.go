// Package sbc holds the example configuration, so that the program can show
// it, check it and run it (sbc demo) without a file. Everything else is in
// the packages below.
package sbc

import _ "embed"

// Example is the text of sbc.hcl.example.
//
//go:embed sbc.hcl.example
var Example []byte
