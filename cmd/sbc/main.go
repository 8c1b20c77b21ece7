// Command sbc is a session border controller: it carries SIP calls between
// networks that must not learn anything of each other.
//
// This package holds flags and wiring. What the commands do is in the packages
// below: signaling runs the calls, console talks to a running process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sbc/console"
)

// version is set by the linker (see Makefile).
var version = "unknown"

// Exit statuses.
const (
	exitDone       = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotRunning = 3
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run carries out one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(context.Background())
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "sbc: %v\n", err)
		return exitUsage
	case errors.Is(err, console.ErrNotRunning):
		fmt.Fprintf(stderr, "%v\n", err)
		return exitNotRunning
	}
	fmt.Fprintf(stderr, "sbc: %v\n", err)
	return exitFailed
}

// errReported is the error of a command that has said already what is wrong.
var errReported = errors.New("failed")

// A usageError is a command line that cannot be carried out.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usage makes what args refuses a usageError that names the help.
func usage(args cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, words []string) error {
		if err := args(c, words); err != nil {
			return &usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
		}
		return nil
	}
}
