package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"sbc/policy"
	"sbc/topology"
)

// A Config is a file that was read without a problem.
type Config struct {
	File      string // as it was named
	Realms    []Realm
	Policy    policy.Options // its Realms and the Realms above have the same order
	Limits    Limits
	Telemetry Telemetry
	Control   string    // path of the Unix socket of the console
	Warnings  *Problems // what is probably not meant; nil: nothing
}

// A Realm is a network that the SBC faces.
type Realm struct {
	Name    string
	Trust   bool       // strangers are answered; else they get silence
	Address netip.Addr // of ours; where listeners and media are unless they say otherwise
	Listen  []Listen   // at least one
	Media   Media

	Topology *topology.Realm // compiled
	Ref      policy.Ref
}

// A Listen is an address on which a realm's messages arrive.
type Listen struct {
	Transport string // "udp"
	Addr      netip.AddrPort
	Host      string // as it stands in Via and Contact: host[:port]
	Ref       policy.Ref
}

// Media says where a realm's media sockets are.
type Media struct {
	Addr      netip.Addr // that they are bound to
	Advertise netip.Addr // that session descriptions name; Addr unless it differs
	Ports     [2]uint16  // first (even) and last, both included
	Ref       policy.Ref
}

// Limits end what goes on for too long.
type Limits struct {
	Calls int           // at once, in all; 0: no limit
	Ring  time.Duration // from an INVITE to its final response
	Media time.Duration // silence of all media that ends a call; 0: never
	Held  time.Duration // the same while a call is held; 0: never
	Call  time.Duration // the longest call; 0: no bound
}

// Telemetry says where the SBC tells of itself.
type Telemetry struct {
	Listen     netip.AddrPort // metrics, /livez, /readyz; zero: nowhere
	LogLevel   slog.Level
	LogFormat  string // "auto" (text on a terminal, else json), "text", "json"
	TraceBytes int    // memory for the traces of all calls
}

// Ours: a file of a thousand routes has 200 KiB.
const fileMax = 1 << 20

// Load reads and checks a file. Where the file can be read but is wrong, the
// error is a *Problems with everything that is.
func Load(path string) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, src)
}

// Parse reads and checks the contents of a file. Names of interfaces are
// looked up on this machine. filename is shown in problems, its last element
// in the places of rules.
func Parse(filename string, src []byte) (*Config, error) {
	return ParseOn(SystemInterfaces, filename, src)
}

// ParseOn is Parse for a machine with other interfaces.
func ParseOn(machine Interfaces, filename string, src []byte) (*Config, error) {
	r := &reader{machine: machine, file: filename, base: filepath.Base(filename), src: src}
	file := r.blocks()
	if file == nil {
		return nil, r.problems()
	}
	c := r.config(file)
	if p := r.problems(); p != nil {
		return nil, p
	}
	c.Warnings = r.warnings()
	return c, nil
}

// config reads the blocks in the order in which they refer to each other.
func (r *reader) config(file *fileBlock) *Config {
	c := &Config{File: r.file}
	r.realms(file, c)
	r.peers(file, c)
	r.routes(file, c)
	r.limits(only(r, "limits", file.Limits), c)
	r.telemetry(only(r, "telemetry", file.Telemetry), c)
	r.console(only(r, "console", file.Console), c)
	r.check(file, c)
	return c
}
