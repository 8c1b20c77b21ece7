package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sbc/console"
)

func newVersion(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use:   "version",
		Short: "Show the version",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
			}{version, runtime.Version()}
			return o.show(c.OutOrStdout(), v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "sbc %s (%s)\n", v.Version, v.Go)
				return err
			})
		},
	})
}

func newStatus(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "status",
		Short: "Show realms, peers, counters and the ledger",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			st, err := o.client().Status(c.Context())
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), st, func(w io.Writer) error { return console.WriteStatus(w, st) })
		},
	}))
}

func newCalls(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "calls",
		Short: "List the calls that exist now",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := o.client().Calls(c.Context())
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), list, func(w io.Writer) error { return console.WriteCalls(w, list) })
		},
	}))
}

func newRegistrations(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "registrations",
		Short: "List who is registered: where it is, behind what NAT, for how long here and at its registrar",
		Args:  usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := o.client().Registrations(c.Context())
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), list, func(w io.Writer) error { return console.WriteRegistrations(w, list) })
		},
	}))
}

func newCall(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "call ID",
		Short: "Explain one call: its ladder, what was changed and why, its media",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := o.client().Call(c.Context(), args[0])
			if err != nil {
				return noCall(err, args[0], "no such call, and the trace has forgotten it if there was one")
			}
			return o.show(c.OutOrStdout(), r, func(w io.Writer) error { return console.WriteCall(w, r) })
		},
	}))
}

func newWhy(o *options) *cobra.Command {
	last := 20
	c := o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "why [CALL|NUMBER|ADDRESS]",
		Short: "Say why requests were refused: by whom, by which rule, and what would have let them through",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := o.client().Refusals(c.Context(), strings.Join(args, ""), last)
			if err != nil {
				return err
			}
			return o.show(c.OutOrStdout(), list, func(w io.Writer) error { return console.WriteRefusals(w, list) })
		},
	}))
	c.Flags().IntVar(&last, "last", last, "how many of the last ones; 0: all that are kept")
	return c
}

func newHangup(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "hangup ID",
		Short: "End one call",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.client().Hangup(c.Context(), args[0]); err != nil {
				return noCall(err, args[0], "no such call; see: sbc calls")
			}
			done := struct {
				ID string `json:"id"`
			}{args[0]}
			return o.show(c.OutOrStdout(), done, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "call %s is being ended\n", args[0])
				return err
			})
		},
	}))
}

// noCall says which call was meant and what to do.
func noCall(err error, id, text string) error {
	if errors.Is(err, console.ErrNoCall) {
		return fmt.Errorf("call %q: %s", id, text)
	}
	return err
}

func newReload(o *options) *cobra.Command {
	var confirm time.Duration
	c := o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "reload",
		Short: "Take on the configuration as it stands in the file now; calls go on",
		Long: "reload reads the file that run was given again. A file that is wrong, or that wants what is read only at the start, changes nothing, and reload says why.\n" +
			"With --confirm it goes back to what there was unless sbc confirm follows in that time.",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := o.client().Reload(c.Context(), confirm)
			if err != nil {
				return err
			}
			done := "reloaded " + r.File + ": " + changes(len(r.Changes))
			if r.Until != nil {
				done += fmt.Sprintf("; goes back at %s unless you say: sbc confirm", clockTime(*r.Until))
			}
			return o.reloaded(c, r, done)
		},
	}))
	c.Flags().DurationVar(&confirm, "confirm", 0, "go back after this time unless sbc confirm follows, like 60s")
	return c
}

func newConfirm(o *options) *cobra.Command {
	return o.socketFlag(&cobra.Command{
		Use:   "confirm",
		Short: "Keep what sbc reload --confirm brought",
		Args:  usage(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return o.client().Confirm(c.Context()) },
	})
}

func newDiff(o *options) *cobra.Command {
	return o.socketFlag(o.jsonFlag(&cobra.Command{
		Use:   "diff [FILE]",
		Short: "Say what a reload would change if FILE stood in the place of the configuration",
		Long:  "diff compares FILE, by default the file that run was given as it is now, with what runs.",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			var name string
			var src []byte
			if len(args) == 1 {
				var err error
				if src, err = os.ReadFile(args[0]); err != nil {
					return err
				}
				name = args[0]
			}
			r, err := o.client().Diff(c.Context(), name, src)
			if err != nil {
				return err
			}
			return o.reloaded(c, r, r.File+" has "+changes(len(r.Changes)))
		},
	}))
}

// reloaded shows what became of a reload, or would.
func (o *options) reloaded(c *cobra.Command, r console.Reloaded, done string) error {
	err := o.show(c.OutOrStdout(), r, func(w io.Writer) error {
		if r.Text != "" {
			if _, err := io.WriteString(c.ErrOrStderr(), r.Text); err != nil {
				return err
			}
		}
		if err := console.WriteReloaded(w, r); err != nil || !r.OK {
			return err
		}
		_, err := fmt.Fprintln(w, done)
		return err
	})
	switch {
	case err != nil || r.OK:
		return err
	case o.json:
		return errReported
	}
	return errors.New(r.Error)
}

func changes(n int) string {
	if n == 0 {
		return "no change"
	}
	return count(n, "change")
}
