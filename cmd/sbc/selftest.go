package main

import (
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sbc/lab/bleed"
)

func newSelftest() *cobra.Command {
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Attack a border on loopback as others would, and tell what comes of it",
		Args:  usage(noCommand),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(&cobra.Command{
		Use:   "bleed",
		Short: "RTP bleed and RTP inject: a third host sprays the media ports",
		Long: "bleed plays the published attacks on media relays against ours, on loopback: a third host sprays all ports with RTP and RTCP, from before the first packet of a call and again later, to be sent the call's media or to be heard in it.\n" +
			"It ends with 0 where nobody heard anything.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			_, err := bleed.Run(ctx, c.OutOrStdout())
			return err
		},
	})
	return c
}
