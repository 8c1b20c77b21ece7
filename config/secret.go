package config

import (
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Ours: a password that somebody types, or a key of 512 bits in base64.
const secretMax = 256

// secret reads where a secret is, and the secret: it does not stand in the file,
// which is shown to people and kept in repositories.
func (r *reader) secret(key string, e hcl.Expression) (string, bool) {
	call, diags := hcl.ExprCall(e)
	if diags.HasErrors() || len(call.Arguments) != 1 || call.Name != "env" && call.Name != "file" {
		r.fail(e.Range(), "Not a secret", "%q is a secret, which does not stand here: write %s = file(\"/etc/sbc/%s\"), or env(\"NAME\") for one in the environment.", key, key, key)
		return "", false
	}
	where, ok := r.textOf(key, call.Arguments[0], call.Name+"(\"NAME\")")
	if !ok {
		return "", false
	}
	s, found := os.LookupEnv(where.s)
	if call.Name == "file" {
		b, err := os.ReadFile(where.s)
		if err != nil {
			r.fail(where.at, "Secret cannot be read", "%s.", sentence(err.Error()))
			return "", false
		}
		s, found = strings.TrimRight(string(b), "\r\n"), true
		if st, err := os.Stat(where.s); err == nil {
			r.private(where, st)
		}
	}
	switch {
	case !found:
		r.fail(where.at, "No such secret", "The environment has no variable %s.", where.s)
	case s == "" || len(s) > secretMax || strings.ContainsAny(s, "\r\n\x00"):
		r.fail(where.at, "Unusable secret", "What %s(%q) gives is no secret: it has from 1 to %d octets on one line.", call.Name, where.s, secretMax)
	default:
		return s, true
	}
	return "", false
}

// private refuses a file with secrets that everybody on the machine can read.
func (r *reader) private(t text, st os.FileInfo) {
	if st.Mode().IsRegular() && st.Mode()&0o007 != 0 {
		r.fail(t.at, "Readable by everybody", "%s holds secrets, and every user of this machine may read it (mode %04o). Say chmod o= %s.", t.s, st.Mode().Perm(), t.s)
	}
}

// confidential notes that the configuration itself holds a secret.
func (r *reader) confidential(at hcl.Range) {
	if r.open != 0 {
		r.fail(at, "Readable by everybody", "A hash of a password is as good as the password, and every user of this machine may read this file (mode %04o). Say chmod o= %s.", r.open, r.file)
		r.open = 0 // Once is enough.
	}
}
