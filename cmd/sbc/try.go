package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sbc/console"
	"sbc/signaling"
)

func newTry(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "try",
		Short: "Say what would become of a request, without sending it",
		Args:  usage(noCommand),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTryInvite(o))
	return c
}

// tryOptions are the flags of try invite.
type tryOptions struct {
	source  string
	request signaling.Try
}

func newTryInvite(o *options) *cobra.Command {
	t := &tryOptions{}
	c := &cobra.Command{
		Use:   "invite --realm NAME --source ADDRESS --from NUMBER --to NUMBER",
		Short: "Hold a made-up call against the rules of the running border",
		Long: "try invite makes a request up and shows what the running border would do with it: who it would be from, which route fits and\n" +
			"why the others do not, what becomes of the number, what room there is, and the message that would go out, with every change.\n" +
			"Nothing is sent, counted or kept. The exit status is 0 when it would go on and 1 when it would be refused.\n\n" +
			"--from and --to are numbers, user@host, or URIs. What has to be proved by a password counts as proved, as the user of --from or\n" +
			"of --proven.",
		Example: "  sbc try invite --realm outside --source 198.51.100.10 --from 4930123 --to 4711\n" +
			"  sbc try invite --realm inside --source 192.168.1.10 --from 100 --to 030123456 --header 'X-Account: gold'\n" +
			"  sbc try invite --realm outside --source 203.0.113.9:31022 --from 100@voice.example --to 4711 --method MESSAGE",
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return o.try(c, t) },
	}
	f, r := c.Flags(), &t.request
	f.StringVar(&r.Realm, "realm", "", "the `NAME` of the realm in which it comes")
	f.StringVar(&t.source, "source", "", "the `ADDRESS` that it comes from, with :PORT or from 5060")
	f.StringVar(&r.From, "from", "", "the `NUMBER` of the caller")
	f.StringVar(&r.To, "to", "", "the `NUMBER` that is called")
	f.StringVar(&r.Transport, "transport", "udp", "it comes by udp, tcp, tls, ws or wss")
	f.StringVar(&r.Name, "certificate", "", "a `NAME` in the certificate that its connection by TLS shows")
	f.StringVar(&r.UserAgent, "user-agent", "", "the `TEXT` of its User-Agent")
	f.StringArrayVar(&r.Fields, "header", nil, "one more `FIELD`, like 'X-Account: gold'; may be given more than once")
	f.StringVar(&r.Method, "method", "INVITE", "another `METHOD`, like MESSAGE")
	f.StringVar(&r.Proven, "proven", "", "the `USER` that it proves to be")
	return o.socketFlag(o.jsonFlag(c))
}

func (o *options) try(c *cobra.Command, t *tryOptions) (err error) {
	for _, f := range [][2]string{{"realm", t.request.Realm}, {"source", t.source}, {"from", t.request.From}, {"to", t.request.To}} {
		if f[1] == "" {
			return &usageError{errors.New("there is no --" + f[0] + "; see: sbc try invite --help")}
		}
	}
	if t.request.Source, err = console.ParseSource(t.source); err != nil {
		return &usageError{fmt.Errorf("--source: %w", err)}
	}
	r, err := o.client().Try(c.Context(), t.request)
	if err != nil {
		return err
	}
	if err := o.show(c.OutOrStdout(), r, func(w io.Writer) error { return console.WriteTry(w, r) }); err != nil || r.OK {
		return err
	}
	return errReported
}
