package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sbc/console"
)

// options are the flags that several commands have.
type options struct {
	socket string
	json   bool
}

const (
	defaultFile   = "/etc/sbc/sbc.hcl"
	defaultSocket = "/run/sbc/sbc.sock"
)

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:           "sbc",
		Short:         "A session border controller",
		Long:          "sbc carries SIP calls between networks that must not learn anything of each other.",
		SilenceErrors: true,

		SuggestionsMinimumDistance: 2,

		SilenceUsage: true,
		Args:         usage(noCommand),
		RunE:         func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
	})
	root.AddCommand(
		newRun(), newCheck(o), newDemo(), newVersion(o),
		newStatus(o), newCalls(o), newCall(o), newWhy(o), newSources(o), newBans(o), newBan(o), newUnban(o), newDrain(o), newReload(o), newConfirm(o), newDiff(o), newRegistrations(o), newHangup(o), newTrace(o), newTry(o), newSelftest(), newTurn(),
	)
	return root
}

// noCommand refuses words that are no command, with those that are like them.
func noCommand(c *cobra.Command, words []string) error {
	if len(words) == 0 {
		return nil
	}
	if like := c.SuggestionsFor(words[0]); len(like) > 0 {
		return fmt.Errorf("unknown command %q; did you mean %q?", words[0], like[0])
	}
	return fmt.Errorf("unknown command %q", words[0])
}

func (o *options) jsonFlag(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&o.json, "json", false, "write JSON")
	return c
}

func (o *options) socketFlag(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&o.socket, "socket", defaultSocket, "Unix socket of the running sbc")
	return c
}

func (o *options) client() *console.Client { return console.NewClient(o.socket) }

// show writes v as JSON where that was asked for, else as text does.
func (o *options) show(w io.Writer, v any, text func(io.Writer) error) error {
	if !o.json {
		return text(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
