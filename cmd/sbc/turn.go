package main

import (
	"os"

	"github.com/spf13/cobra"

	"sbc/nat/turn"
)

// newTurn is the process that serves STUN and TURN. run starts it; nobody
// types it.
func newTurn() *cobra.Command {
	return &cobra.Command{
		Use:    "turn",
		Short:  "Serve STUN and TURN as the child of a running sbc",
		Long:   "turn reads its options as JSON from standard input, serves until that ends, and writes its counts to standard output. sbc run starts it.",
		Hidden: true,
		Args:   usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return turn.Serve(c.Context(), os.Stdin, c.OutOrStdout())
		},
	}
}
