package main

import (
	"context"
	"crypto/x509"
	"log/slog"

	"sbc/config"
	"sbc/signaling/transport"
	"sbc/telemetry"
)

// listenTLS loads what a listener of TLS needs; its files are watched until the
// border ends.
func (b *border) listenTLS(l *config.Listen, log *slog.Logger) (*transport.TLS, error) {
	if l.TLS == nil {
		return nil, nil
	}
	certs, err := b.certificates(l.TLS.Files, log)
	if err != nil {
		return nil, err
	}
	b.opened = append(b.opened, func(context.Context) error { certs.Close(); return nil })
	t := &transport.TLS{Certificates: certs, Ask: l.TLS.Ask, ClientUsage: l.TLS.ClientUsage}
	roots, err := authorities(l.TLS.CA)
	if err != nil {
		return nil, err
	}
	if roots != nil {
		t.Roots = func() *x509.CertPool { return roots }
	}
	return t, nil
}

func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	return transport.LoadRoots(file)
}

// certificates loads files and notes them for the metrics.
func (b *border) certificates(files []transport.CertificateFile, log *slog.Logger) (*transport.Certificates, error) {
	certs, err := transport.LoadCertificates(files, func(err error) {
		log.Error("the certificate that was in use stays in use", "err", telemetry.Escape(err.Error()))
	})
	if err != nil {
		return nil, err
	}
	for _, w := range certs.Warnings() {
		log.Warn(w)
	}
	b.showing.Lock()
	b.shown = append(b.shown, certs)
	b.showing.Unlock()
	return certs, nil
}

// clients loads what connections of TLS to peers need. done ends the watching of
// their files.
func (b *border) clients(cfg *config.Config, log *slog.Logger) (list map[int]*transport.Client, done func(), err error) {
	var opened []*transport.Certificates
	done = func() {
		for _, c := range opened {
			b.forget(c)
			c.Close()
		}
	}
	list = map[int]*transport.Client{}
	for _, c := range cfg.Clients {
		client := &transport.Client{Name: c.Name, Wildcard: c.Wildcard}
		if client.Roots, err = authorities(c.CA); err != nil {
			done()
			return nil, nil, err
		}
		if c.Certificate != (transport.CertificateFile{}) {
			certs, err := b.certificates([]transport.CertificateFile{c.Certificate}, log)
			if err != nil {
				done()
				return nil, nil, err
			}
			opened = append(opened, certs)
			client.Certificates = certs
		}
		list[c.Peer] = client
	}
	return list, done, nil
}

func (b *border) forget(c *transport.Certificates) {
	b.showing.Lock()
	defer b.showing.Unlock()
	for i, have := range b.shown {
		if have == c {
			b.shown = append(b.shown[:i], b.shown[i+1:]...)
			return
		}
	}
}

// expiries says when certificates end.
func (b *border) expiries() (list []telemetry.Certificate) {
	b.showing.Lock()
	defer b.showing.Unlock()
	seen := map[string]bool{}
	for _, c := range b.shown {
		for _, s := range c.Expires() {
			if !seen[s.File] { // two listeners may show one
				seen[s.File] = true
				list = append(list, telemetry.Certificate{File: s.File, Expires: s.Expires})
			}
		}
	}
	return list
}
