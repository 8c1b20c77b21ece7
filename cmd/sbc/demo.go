package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sbc"
	"sbc/lab/demo"
)

func newDemo() *cobra.Command {
	o := demo.Options{Example: sbc.Example}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a border between a PBX and an ITSP of its own, and show a call",
		Long: "demo runs this program on the example configuration, between a PBX and an ITSP that it brings along, and shows what each side saw of their calls.\n" +
			"As root each has a network namespace of its own; nothing of this machine is changed. Else all are on loopback.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if o.Program, err = os.Executable(); err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			o.Out = c.OutOrStdout()
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			signal.Ignore(syscall.SIGPIPE) // whoever reads may have seen enough; what runs is taken down all the same
			return demo.Run(ctx, o)
		},
	}
	c.Flags().BoolVar(&o.Once, "once", false, "end after the first calls: 0 if all was well, else 1")
	c.Flags().BoolVar(&o.Local, "local", false, "use loopback also where namespaces could be made")
	return c
}
