package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/live"
	"github.com/preau-ent/preau/internal/page"
)

// LiveConfig is the engine of the live classes. With nothing given it is the program beside
// this one, if that is there.
type LiveConfig struct {
	Program string        `help:"Program of the live classes; empty: preau-live beside this program. Where it is not there, classes have no sound and no picture, and everything else works." env:"PREAU_LIVE_PROGRAM" placeholder:"FILE"`
	Address string        `help:"IP address that people's sound and picture come to: this machine's, or that of the router in front, which hands the ports on. Empty: found on this machine." env:"PREAU_LIVE_ADDRESS" placeholder:"IP"`
	UDPPort int           `name:"udp-port" help:"The one UDP port of sound and picture; 0: 7882." env:"PREAU_LIVE_UDP_PORT"`
	TCPPort int           `name:"tcp-port" help:"TCP port of the same, for lines on which UDP is blocked; 0: 7881; -1: none." env:"PREAU_LIVE_TCP_PORT"`
	Drain   time.Duration `help:"How long a stop waits for classes to end. Without waiting, they come back by themselves once the next program is there." env:"PREAU_LIVE_DRAIN" default:"0s"`

	URL        string `name:"url" help:"Address of a LiveKit cluster that you run, https://…, instead of the program." env:"PREAU_LIVE_URL" placeholder:"URL"`
	Key        string `name:"key" help:"Name of our key on that cluster." env:"PREAU_LIVE_KEY"`
	SecretFile string `help:"File that holds the secret of that key. It can be given in PREAU_LIVE_SECRET too, never as a flag." env:"PREAU_LIVE_SECRET_FILE" type:"path" placeholder:"FILE"`
}

// engine makes the engine of the live classes. It starts nothing.
func (a *App) engine() (*live.Engine, error) {
	c := a.Config.Live
	out := live.Config{Program: c.Program, Key: filepath.Join(a.Config.Data, "live.key"), Address: c.Address, UDP: c.UDPPort, TCP: c.TCPPort, Drain: c.Drain, Log: a.log}
	if c.URL != "" {
		out.URL, out.ExternalKey, out.ExternalSecret = c.URL, c.Key, os.Getenv("PREAU_LIVE_SECRET")
		if c.SecretFile != "" {
			var err error
			if out.ExternalSecret, err = courier.ReadSecret(c.SecretFile); err != nil {
				return nil, fmt.Errorf("--live-secret-file: %w", err)
			}
		}
	} else if c.Key != "" || c.SecretFile != "" {
		return nil, errors.New("--live-url is missing: a key of a LiveKit cluster is given, and no address of it")
	}
	if out.Address == "" && a.alone() {
		out.Address = "127.0.0.1" // nobody comes from elsewhere: no port is opened to others
	}
	e, err := live.New(out)
	if err != nil {
		return nil, fmt.Errorf("the live classes: %w", err)
	}
	return e, nil
}

// alone tells whether only this machine reaches the pages.
func (a *App) alone() bool {
	host, _, err := net.SplitHostPort(a.Config.Addr)
	ip := net.ParseIP(host)
	return err == nil && a.Config.URL == "" && len(a.Config.Web.ACME) == 0 && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// doctorLive says where sound and picture come from.
func doctorLive(c Config, say func(string, string), wrong func(string, error)) {
	if c.Live.URL != "" {
		say("live classes", c.Live.URL+" (a cluster of yours)")
		return
	}
	program, err := live.Program(c.Live.Program)
	if err == nil {
		_, err = os.Stat(program)
	}
	switch {
	case err != nil && c.Live.Program != "":
		wrong("live classes", fmt.Errorf("--live-program: %w", err))
	case err != nil:
		say("live classes", "without sound and picture: "+program+" is not there")
	default:
		say("live classes", program)
	}
}

// MayEnter says what a person of a school may do in the live class of a sitting of that
// school; live.ErrRefused: not enter it.
type MayEnter func(ctx context.Context, school, person, sitting string) (live.Grants, error)

// nobodyEnters is who may enter while no capability knows of classes.
func nobodyEnters(context.Context, string, string, string) (live.Grants, error) {
	return live.Grants{}, live.ErrRefused
}

// Room is a sitting's room in the engine, and Member one person of a school in it: no two
// schools have one of the same name.
func Room(school, sitting string) string  { return school + "." + sitting }
func Member(school, person string) string { return school + "/" + person }

// registerLive opens the way to the engine: /live/ROOM, where a browser's signalling passes.
// Who asks is known by their session; that a room is of their own school is asked here, the
// rest by mayEnter.
func (a *App) registerLive() {
	if a.mayEnter == nil {
		a.mayEnter = nobodyEnters
	}
	who := func(r *http.Request) (string, bool) {
		v, ok := page.ViewerFrom(r.Context())
		return Member(v.School, v.ID), ok && v.School != "" && v.ID != ""
	}
	a.Signalling = a.Live.NewProxy("/live/", who, func(ctx context.Context, member, room string) (live.Grants, error) {
		school, person, _ := strings.Cut(member, "/")
		sitting, ours := strings.CutPrefix(room, Room(school, ""))
		if !ours {
			return live.Grants{}, live.ErrRefused
		}
		return a.mayEnter(ctx, school, person, sitting)
	})
	at := func(do func(school, sitting, person string)) func(room, member string) {
		return func(room, member string) {
			school, person, _ := strings.Cut(member, "/")
			sitting, _ := strings.CutPrefix(room, Room(school, ""))
			do(school, sitting, person)
		}
	}
	a.Signalling.Came, a.Signalling.Went = at(a.classPages.Joined), at(a.classPages.Left)
	// Anyone: a browser that asks for a line is told in a number, and not led to a page.
	a.Routes.Handle("GET /live/{room}/{way...}", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		a.Signalling.ServeHTTP(w, r)
		return nil
	})
}
