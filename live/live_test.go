package main

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
)

const secret = "0123456789abcdef0123456789abcdef"

// TestSettings: what the parent does not say is not guessed.
func TestSettings(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"no JSON":        "serve\n",
		"no key":         `{"secret":"` + secret + `","http":7880,"udp":7882}` + "\n",
		"a short secret": `{"key":"k","secret":"short","http":7880,"udp":7882}` + "\n",
		"no port":        `{"key":"k","secret":"` + secret + `","udp":7882}` + "\n",
		"half a line":    `{"key":"k"`,
	} {
		if s, err := readSettings(bufio.NewReader(strings.NewReader(text))); err == nil {
			t.Errorf("%s: taken as %+v", name, s)
		}
	}
	s, err := readSettings(bufio.NewReader(strings.NewReader(`{"key":"k","secret":"` + secret + `","http":7880,"udp":7882,"tcp":7881,"address":"192.0.2.1"}` + "\n")))
	if err != nil || s.HTTP != 7880 || s.UDP != 7882 || s.TCP != 7881 || s.Address != "192.0.2.1" {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestAlone: by hand the program says who starts it, and serves nobody.
func TestAlone(t *testing.T) {
	var out bytes.Buffer
	err := run(strings.NewReader(""), &out, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err == nil || !strings.Contains(err.Error(), "started by preau") || out.Len() > 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// TestEngine: the engine keeps to itself. Nobody's browser is sent to a third party, signalling
// is on loopback, a room exists only when it was made.
func TestEngine(t *testing.T) {
	for _, address := range []string{"192.0.2.1", "2001:db8::1", "127.0.0.1"} {
		c, err := settings{Key: "k", Secret: secret, HTTP: 7880, UDP: 7882, TCP: 7881, Address: address}.engine()
		if err != nil {
			t.Fatal(err)
		}
		if len(c.BindAddresses) != 1 || c.BindAddresses[0] != "127.0.0.1" {
			t.Errorf("%s: signalling on %v", address, c.BindAddresses)
		}
		if c.Development || c.Room.AutoCreate || c.RTC.UseExternalIP || c.TURN.Enabled || c.Redis.IsConfigured() || len(c.WebHook.URLs) > 0 {
			t.Errorf("%s: %+v", address, c)
		}
		if len(c.RTC.STUNServers) != 1 || !strings.Contains(c.RTC.STUNServers[0], address) {
			t.Errorf("%s: browsers are sent to %v", address, c.RTC.STUNServers)
		}
		if got := c.RTC.NodeIP.PrimaryIP(); got != address {
			t.Errorf("%s: people are told to come to %s", address, got)
		}
		if c.RTC.UDPPort.Start != 7882 || c.RTC.UDPPort.End != 0 || c.RTC.ICEPortRangeStart != 0 {
			t.Errorf("%s: more than one port: %+v", address, c.RTC.UDPPort)
		}
		if only := len(c.RTC.IPs.Includes) > 0; only != (address == "127.0.0.1") {
			t.Errorf("%s: kept to %v", address, c.RTC.IPs.Includes)
		}
	}
	if _, err := (settings{Key: "k", Secret: secret, HTTP: 1, UDP: 2, Address: "school.example.org"}).engine(); err == nil {
		t.Error("a name is taken for an address")
	}
}
