package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sbc/console"
	"sbc/signaling"
	"sbc/telemetry"
)

// traceOptions are the flags of trace.
type traceOptions struct {
	numbers, addresses, peers, methods []string

	changes bool
	pcap    string
	count   int
}

func newTrace(o *options) *cobra.Command {
	t := &traceOptions{}
	c := &cobra.Command{
		Use:   "trace",
		Short: "Show the ladders of calls as they happen, or write them as pcap",
		Long: "trace shows each message of a call as it comes and goes, with what was decided, behind the call's id, until ctrl-C.\n" +
			"A call is shown when it has all that is asked for; of several values of one flag one is enough.\n\n" +
			"--pcap writes pcapng for Wireshark: each message as a UDP datagram of its own between the addresses and at the time that it\n" +
			"really had, the realm as interface, the call's id as comment. Credentials, passwords and media keys are overwritten with\n" +
			"asterisks everywhere.",
		Example: "  sbc trace --number 0301234\n" +
			"  sbc trace --peer itsp --method INVITE,BYE\n" +
			"  sbc trace --address 192.0.2.7 --pcap - | wireshark -k -i -",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return o.trace(c, t) },
	}
	f := c.Flags()
	f.StringSliceVar(&t.numbers, "number", nil, "caller or callee has `TEXT` in its user part; with *, ? or [ a pattern for all of it")
	f.StringSliceVar(&t.addresses, "address", nil, "a message of the call goes from or to this `ADDRESS` or network")
	f.StringSliceVar(&t.peers, "peer", nil, "the call is from or to the peer of this `NAME`")
	f.StringSliceVar(&t.methods, "method", nil, "only messages of this `METHOD`, and what answers them")
	f.BoolVar(&t.changes, "changes", false, "show what was changed in each message, and why")
	f.StringVar(&t.pcap, "pcap", "", "write the messages to `FILE` as pcapng; -: to standard output, and no text")
	f.IntVar(&t.count, "count", 0, "end after so many `MESSAGES`")
	return o.socketFlag(o.jsonFlag(c))
}

func (o *options) trace(c *cobra.Command, t *traceOptions) error {
	filter := signaling.TraceFilter{Numbers: t.numbers, Peers: t.peers, Methods: t.methods, Changes: t.changes}
	for _, s := range t.addresses {
		a, err := console.ParseAddress(s)
		if err != nil {
			return &usageError{fmt.Errorf("--address: %w", err)}
		}
		filter.Addresses = append(filter.Addresses, a)
	}
	if t.pcap == "-" && o.json || t.count < 0 {
		return &usageError{errors.New("--pcap - and --json both write to standard output; --count is not below 0")}
	}
	ctx, ignore := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer ignore()
	w := &traceWriter{out: c.OutOrStdout(), err: c.ErrOrStderr(), json: o.json, left: t.count}
	w.text.Width = traceWidth(w.out)
	if err := w.openPcap(ctx, o.client(), t.pcap); err != nil {
		return err
	}
	err := o.client().Trace(ctx, filter, w.begin, w.write)
	stopped := err == nil && ctx.Err() == nil
	if errors.Is(err, errTraced) {
		err = nil
	}
	return errors.Join(err, w.close(stopped))
}

// traceWidth is the width of a terminal, or of a file that is read in one.
func traceWidth(w io.Writer) int {
	width, _ := terminal(w)
	return int(width)
}

// errTraced ends a trace that has as many messages as were asked for.
var errTraced = errors.New("enough")

// A traceWriter writes steps in the form that was asked for.
type traceWriter struct {
	out, err io.Writer
	json     bool
	text     console.Tracer
	pcap     *telemetry.Pcap
	file     *os.File // of pcap; nil: it goes to out
	only     bool     // pcap has out for itself
	began    bool
	left     int // messages; 0: no end
	messages int
	dropped  uint64
}

// Ours: a capture has names and numbers of people.
const pcapMode = 0o600

// openPcap begins the capture. The realms of the border are its interfaces.
func (w *traceWriter) openPcap(ctx context.Context, client *console.Client, path string) error {
	if path == "" {
		return nil
	}
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	var realms []string
	for _, r := range st.Realms {
		realms = append(realms, r.Name)
	}
	out := w.out
	if w.only = path == "-"; !w.only {
		if w.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, pcapMode); err != nil {
			return err
		}
		out = w.file
	}
	w.pcap, err = telemetry.NewPcap(out, realms)
	return err
}

func (w *traceWriter) begin() {
	w.began = true
	fmt.Fprintln(w.err, "listening; ctrl-C ends it")
}

// write writes one step.
func (w *traceWriter) write(ev *signaling.TraceEvent) error {
	if ev.Dropped > w.dropped {
		fmt.Fprintf(w.err, "%s lost: they came faster than they were read; a filter helps\n", count(int(ev.Dropped-w.dropped), "step"))
		w.dropped = ev.Dropped
	}
	if err := w.step(ev); err != nil {
		return err
	}
	if !isMessage(ev) {
		return nil
	}
	if w.messages++; w.messages == w.left {
		return errTraced
	}
	return nil
}

func isMessage(ev *signaling.TraceEvent) bool { return ev.Kind == "in" || ev.Kind == "out" }

func (w *traceWriter) step(ev *signaling.TraceEvent) error {
	if w.pcap != nil && isMessage(ev) {
		if err := w.pcap.Write(packetOf(ev)); err != nil && !errors.Is(err, telemetry.ErrAddress) {
			return err
		}
	}
	switch {
	case w.only:
		return nil
	case w.json:
		e := json.NewEncoder(w.out)
		e.SetEscapeHTML(false)
		return e.Encode(ev)
	}
	return w.text.Write(w.out, ev)
}

// packetOf is a message as it was on the wire.
func packetOf(ev *signaling.TraceEvent) telemetry.Packet {
	k := telemetry.Packet{At: ev.Time, Src: ev.Remote, Dst: ev.Local, Realm: ev.Realm, Payload: ev.Bytes(),
		Comment: fmt.Sprintf("call %s, %s from peer %s", ev.Call, ev.Label, ev.Peer)}
	if ev.Kind == "out" {
		k.Src, k.Dst = ev.Local, ev.Remote
		k.Comment = fmt.Sprintf("call %s, %s to peer %s", ev.Call, ev.Label, ev.Peer)
	}
	return k
}

// close ends the capture and says what there was.
func (w *traceWriter) close(stopped bool) error {
	var err error
	if w.file != nil {
		err = w.file.Close()
	}
	if stopped {
		fmt.Fprintln(w.err, "the border has ended")
	}
	if w.began {
		fmt.Fprintf(w.err, "%s, %s lost\n", count(w.messages, "message"), count(int(w.dropped), "step"))
	}
	return err
}
