package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sbc/config"
	"sbc/policy"
	"sbc/policy/digest"
)

func newCheck(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with a configuration file",
		Long:  "check reads a configuration as run does, and tells all that is wrong with it. It exits with 1 if anything is.\nWhat this machine does to SIP by itself is a warning too.\nFILE is " + defaultFile + " unless it is named.",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return check(c.OutOrStdout(), c.ErrOrStderr(), o, fileOf(args))
		},
	})
}

func fileOf(args []string) string {
	if len(args) == 0 {
		return defaultFile
	}
	return args[0]
}

// A verdict is what check says as JSON.
type verdict struct {
	File     string         `json:"file"`
	OK       bool           `json:"ok"`
	Problems []checkProblem `json:"problems"`
}

type checkProblem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Warning bool   `json:"warning"`
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
}

func check(stdout, stderr io.Writer, o *options, file string) error {
	cfg, rules, problems, err := load(file, newNonces())
	if err != nil && problems == nil {
		return err
	}
	if o.json {
		v := verdict{File: file, OK: err == nil, Problems: append(listed(problems), thisMachine.warnings()...)}
		if e := o.show(stdout, v, nil); e != nil {
			return e
		}
	} else {
		if e := thisMachine.print(stderr); e != nil {
			return e
		}
		if e := explain(stdout, stderr, cfg, rules, problems); e != nil {
			return e
		}
	}
	if err != nil {
		return errReported
	}
	return nil
}

// newNonces returns those of a process.
func newNonces() *digest.Nonces {
	var key [32]byte
	rand.Read(key[:])
	return digest.NewNonces(key, digest.Slots)
}

// load reads a file as run and check do. problems is what is wrong with it,
// or only what is probably not meant when err is nil.
func load(file string, nonces *digest.Nonces) (cfg *config.Config, rules *policy.Rules, problems *config.Problems, err error) {
	cfg, err = config.Load(file)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; is the path right? A copy of sbc.hcl.example is one to begin with", err)
	}
	if errors.As(err, &problems) || err != nil {
		return nil, nil, problems, err
	}
	rules, err = cfg.Rules(nonces)
	return cfg, rules, cfg.Warnings, err
}

func explain(stdout, stderr io.Writer, cfg *config.Config, rules *policy.Rules, problems *config.Problems) error {
	if problems != nil {
		width, color := terminal(stderr)
		if err := problems.Print(stderr, width, color); err != nil {
			return err
		}
	}
	if cfg == nil {
		return nil
	}
	p := rules.Options()
	_, err := fmt.Fprintf(stdout, "%s is good: %s, %s, %s\n", cfg.File,
		count(len(p.Realms), "realm"), count(len(p.Peers), "peer"), count(len(p.Routes), "route"))
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func listed(problems *config.Problems) []checkProblem {
	list := []checkProblem{}
	if problems == nil {
		return list
	}
	for _, p := range problems.All() {
		list = append(list, checkProblem(p))
	}
	return list
}

// terminal returns the width for text that goes to w, 0: it is not to be
// wrapped, and whether it may have colours.
func terminal(w io.Writer) (width uint, color bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 || os.Getenv("NO_COLOR") != "" {
		return 0, false
	}
	return 100, true
}
