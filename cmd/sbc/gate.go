package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"sbc/console"
)

func newSources(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "sources",
		Short: "List the strangers who sent something of late: who asks for what, with what, and how they are treated",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := o.client().Sources(c.Context())
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), list, func(w io.Writer) error { return console.WriteSources(w, list) })
		},
	}))
}

func newBans(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "bans",
		Short: "List who is banned, for how long, and why",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := o.client().Bans(c.Context())
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), list, func(w io.Writer) error { return console.WriteBans(w, list) })
		},
	}))
}

func newBan(o *options) *cobra.Command {
	var d time.Duration
	var reason string
	c := o.socketFlag(&cobra.Command{
		Use:   "ban ADDRESS|NETWORK",
		Short: "Listen to an address or a network no more, for a time",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return o.client().Ban(c.Context(), args[0], d, reason)
		},
	})
	c.Flags().DurationVar(&d, "for", time.Hour, "for how long")
	c.Flags().StringVar(&reason, "reason", "", "what sbc bans shall show")
	return c
}

func newUnban(o *options) *cobra.Command {
	return o.socketFlag(&cobra.Command{
		Use:   "unban ADDRESS|NETWORK",
		Short: "Lift a ban, and forget what led to it",
		Args:  usage(cobra.ExactArgs(1)),
		RunE:  func(c *cobra.Command, args []string) error { return o.client().Unban(c.Context(), args[0]) },
	})
}

func newDrain(o *options) *cobra.Command {
	within, back := time.Hour, false
	c := o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "drain",
		Short: "Take no new calls, and end when the last one has ended",
		Long: "drain lets calls go on, answers new ones with 503 (but those for help, which pass) and /readyz with 503, and ends the border when it has no call any more, or after --within.\n" +
			"With --cancel it takes calls again.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if back {
				within = 0
			}
			d, err := o.client().Drain(c.Context(), within)
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), d, func(w io.Writer) error {
				text := fmt.Sprintf("draining: %s to go, for %v at most\n", count(d.Calls, "call"), within)
				if back {
					text = "it takes calls again\n"
				}
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}))
	c.Flags().DurationVar(&within, "within", within, "how long the calls may take")
	c.Flags().BoolVar(&back, "cancel", false, "take calls again")
	return c
}
