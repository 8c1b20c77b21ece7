package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sbc/config"
	"sbc/policy"
	"sbc/policy/digest"
	"sbc/telemetry"
)

func newRun() *cobra.Command {
	socket := ""
	c := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Run the border",
		Long: "run carries calls until it gets SIGTERM or SIGINT; then it ends them properly on both sides, for " + stopTime.String() + " at most. A second signal ends it at once.\n" +
			"FILE is " + defaultFile + " unless it is named.",
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			nonces := newNonces()
			cfg, rules, problems, err := load(fileOf(args), nonces)
			if problems != nil {
				width, color := terminal(c.ErrOrStderr())
				_ = problems.Print(c.ErrOrStderr(), width, color)
			}
			if problems != nil && err != nil {
				return errReported
			}
			if err != nil {
				return err
			}
			if socket != "" {
				cfg.Control = socket
			}
			return serve(cfg, rules, nonces)
		},
	}
	c.Flags().StringVar(&socket, "socket", "", "Unix socket for the operator's commands (default: what FILE says)")
	return c
}

// Ours: four retransmissions of a BYE that gets no answer (RFC 3261 section
// 17.1.2.2), and less than service managers wait before they kill.
const stopTime = 10 * time.Second

// serve runs the border until a signal comes.
func serve(cfg *config.Config, rules *policy.Rules, nonces *digest.Nonces) error {
	level := new(slog.LevelVar)
	level.Set(cfg.Telemetry.LogLevel)
	log, err := telemetry.NewLogger(os.Stderr, telemetry.LogOptions{Level: level, Format: cfg.Telemetry.LogFormat})
	if err != nil {
		return err
	}
	thisMachine.tell(log)
	signals, ignore := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer ignore()
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	b, err := open(cfg, rules, nonces, level, log)
	if err != nil {
		return err
	}
	log.Info("ready", "version", version, "file", cfg.File, "realms", len(cfg.Realms), "peers", len(cfg.Policy.Peers))
	for up := true; up; {
		select {
		case <-hangUps:
			if r := b.running.reload(0); !r.OK {
				log.Error("reload", "err", r.Error, "see", "sbc check "+cfg.File)
			}
		case <-signals.Done():
			up = false
		case <-b.drained:
			log.Info("drained")
			up = false
		}
	}
	ignore() // the next signal ends the process
	log.Info("stopping", "calls", b.engine.Status().Calls, "within", stopTime)
	stop, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := b.close(stop); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	log.Info("stopped")
	return nil
}

// closers are what was opened, to be closed in the opposite order.
type closers []func(context.Context) error

func (c closers) close(ctx context.Context) (err error) {
	for i := len(c) - 1; i >= 0; i-- {
		err = errors.Join(err, c[i](ctx))
	}
	return err
}
