// Package config reads the configuration file and makes of it what the other
// packages take: their own options in plain Go. It is the only importer of
// hcl; nobody below it knows that there is a file.
//
// Reading goes in three steps. The syntax tree becomes the structs of
// blocks.go, which are the schema: their tags are the names of all blocks and
// keys. Then each value is read and checked where it stands (expr.go and the
// file of its block). Then what concerns several blocks is checked
// (checks.go). No step stops at the first problem: a wrong file is refused as
// a whole, with everything that is wrong with it in one *[Problems], each
// with its line and what would be right.
package config
