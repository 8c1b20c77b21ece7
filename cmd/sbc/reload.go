package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sbc/config"
	"sbc/console"
	"sbc/policy"
	"sbc/policy/digest"
)

// A running is the configuration that the border runs by, and the one that it
// goes back to unless the new one is confirmed.
type running struct {
	b      *border
	nonces *digest.Nonces
	level  *slog.LevelVar
	log    *slog.Logger

	// Guarded by mu.
	mu     sync.Mutex
	cfg    *config.Config
	rules  *policy.Rules
	done   func()         // ends the watching of certificates for peers
	before *config.Config // nil: nothing waits for a confirmation
	until  time.Time
	undo   *time.Timer
}

// reload takes on what stands in the file now. With confirm over 0 it goes back
// after that time, unless it is confirmed before. A file that is wrong, or that
// wants what needs a restart, changes nothing.
func (r *running) reload(confirm time.Duration) console.Reloaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before != nil && confirm == 0 {
		return console.Reloaded{Error: fmt.Sprintf("the last reload waits for its confirmation until %s: say sbc confirm, or sbc reload --confirm TIME to go on trying", clockTime(r.until))}
	}
	next, out := r.read(r.cfg.File, nil)
	if next == nil {
		return out
	}
	if text := needRestart(out.Changes); text != "" {
		out.Error = text
		return out
	}
	was := r.cfg
	if err := r.take(next); err != nil {
		out.Error = err.Error()
		return out
	}
	out.OK = true
	if confirm > 0 {
		if r.before == nil {
			r.before = was
		}
		r.wait(confirm)
		out.Until = &r.until
	}
	r.log.Info("reloaded", "file", next.File, "changes", len(out.Changes), "goes_back_in", confirm)
	return out
}

// read reads a file, or src as if it were one, and says what differs from what
// runs. It returns no configuration if that is wrong.
func (r *running) read(file string, src []byte) (*config.Config, console.Reloaded) {
	out := console.Reloaded{File: file}
	var cfg *config.Config
	var err error
	if src == nil {
		cfg, err = config.Load(file)
	} else {
		cfg, err = config.Parse(file, src)
	}
	var problems *config.Problems
	if errors.As(err, &problems) {
		out.Error = file + " is wrong; nothing was changed"
	} else if err == nil {
		problems = cfg.Warnings
		_, err = cfg.Rules(r.nonces)
	}
	if problems != nil {
		var text strings.Builder
		_ = problems.Print(&text, 0, false)
		out.Text = text.String()
	}
	if err != nil {
		if out.Error == "" {
			out.Error = fmt.Sprintf("%v; nothing was changed", err)
		}
		return nil, out
	}
	out.Changes = r.changes(cfg)
	return cfg, out
}

// changes says what cfg would change, and how many calls a peer has that it
// touches.
func (r *running) changes(cfg *config.Config) []console.Change {
	calls := map[string]int{}
	for _, p := range r.b.engine.Status().Peers {
		calls[fmt.Sprintf("peer %q", p.Name)] = p.Calls
		calls[fmt.Sprintf("endpoints %q", p.Name)] = p.Calls
	}
	list := []console.Change{}
	for _, c := range config.Diff(r.cfg, cfg) {
		list = append(list, console.Change{Block: c.Block, Key: c.Key, Was: c.Was, Is: c.Is, Restart: c.Restart, Calls: calls[c.Block]})
	}
	return list
}

// needRestart says which changes cannot be made while we run.
func needRestart(changes []console.Change) string {
	var names []string
	for _, c := range changes {
		if c.Restart {
			names = append(names, strings.TrimSpace(c.Block+" "+c.Key))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "nothing was changed: this is read only when sbc starts: " + strings.Join(names, ", ") + "; restart sbc for it, or take it out"
}

// take swaps the running configuration for next.
func (r *running) take(next *config.Config) error {
	next.Follow(r.cfg)
	rules, err := next.Rules(r.nonces)
	if err != nil {
		return err
	}
	clients, done, err := r.b.clients(next, r.log)
	if err != nil {
		return err
	}
	r.b.resolver.Close() // nobody else may say what names resolve to meanwhile
	rules.Inherit(r.rules)
	r.b.engine.Reload(reloadOptions(next, rules, clients))
	r.done() // connections that there are go on
	r.done = done
	r.b.resolve(next, rules, r.log)
	r.b.trusts(next, rules)
	r.level.Set(next.Telemetry.LogLevel)
	r.cfg, r.rules = next, rules
	return nil
}

// wait goes back to before when its time is over.
func (r *running) wait(d time.Duration) {
	if r.undo != nil {
		r.undo.Stop()
	}
	until := time.Now().Add(d)
	r.until = until
	r.undo = time.AfterFunc(d, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.before == nil || !r.until.Equal(until) {
			return // confirmed, or another one waits
		}
		before := r.before
		r.before = nil
		if err := r.take(before); err != nil {
			r.log.Error("cannot go back to the configuration before the last reload", "err", err)
			return
		}
		r.log.Warn("the last reload was not confirmed and is undone; the file still has it", "file", before.File)
	})
}

// confirm keeps what the last reload brought.
func (r *running) confirm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.before == nil {
		return false
	}
	r.undo.Stop()
	r.before = nil
	r.log.Info("reload confirmed")
	return true
}

// diff says what a reload with src in the place of the file would change; nil:
// with the file as it is now.
func (r *running) diff(name string, src []byte) console.Reloaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	if src == nil {
		name = r.cfg.File
	}
	next, out := r.read(name, src)
	out.OK = next != nil
	return out
}

// close ends the wait for a confirmation.
func (r *running) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before = nil
	if r.undo != nil {
		r.undo.Stop()
	}
}

func clockTime(t time.Time) string { return t.Format("15:04:05") }
