package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

// guardCmd stands in front of a school's existing tool. It is preau serve for whoever
// relies on it: it does not start without a guard file.
type guardCmd struct {
	Serve  guardServeCmd  `cmd:"" default:"withargs" help:"Serve the installation, its guard included; refuse to start without one."`
	Check  guardCheckCmd  `cmd:"" help:"Read the guard file and the carriers, and say what they mean. Nothing is opened."`
	School guardSchoolCmd `cmd:"" help:"Make a school that has no directory here, with two persons who decide what is held."`
}

var errNoGuard = errors.New("there is no guard file: write guard.json in the data folder, or name one by --guard (docs/guard.md)")

type guardServeCmd struct {
	serveCmd `embed:""`
}

func (c *guardServeCmd) Run(ctx context.Context, s streams) error {
	if _, there, err := c.Guard(); err != nil || !there {
		return errors.Join(err, map[bool]error{true: errNoGuard}[err == nil])
	}
	return c.serveCmd.Run(ctx, s)
}

type guardCheckCmd struct {
	app.Config `embed:""`
}

func (c *guardCheckCmd) Run(s streams) error {
	f, there, err := c.Guard()
	if err != nil {
		return failure{1, err}
	}
	if !there {
		return failure{1, errNoGuard}
	}
	fmt.Fprintln(s.out, f)
	carriers, err := c.Carriers(time.Now, logger(c.Config, s.err))
	if err != nil {
		return failure{1, err}
	}
	if carriers.Pretended() {
		return failure{1, errors.New("there is no carrier of short messages: put its file into the carriers folder (docs/carriers.md)")}
	}
	for _, a := range carriers.Accounts() {
		fmt.Fprintf(s.out, "leaves by %s (%s)\n", a.Name, a.Channel)
	}
	return nil
}

type guardSchoolCmd struct {
	app.Config `embed:""`
	UAI        string   `arg:"" help:"The school's number."`
	Name       string   `help:"Its name." required:""`
	Phone      string   `help:"Its telephone, as people should read it." required:""`
	Zone       string   `help:"Its time zone." default:"Europe/Paris"`
	Region     string   `help:"Whose telephone numbers its tool writes: FR, RE, BE, CA…" default:"FR"`
	Lang       string   `help:"Its language." default:"fr"`
	Person     []string `help:"Who decides, as FIRST LAST; the first is the head. Give two: one asks, the other lets go." required:"" placeholder:"NAME"`
}

func (c *guardSchoolCmd) Run(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Writing})
	if err != nil {
		return err
	}
	defer a.Close()
	made, err := a.GuardedSchool(ctx, app.NewSchool{UAI: c.UAI, Name: c.Name, Phone: c.Phone, Zone: c.Zone, Region: c.Region, Lang: c.Lang, People: c.Person})
	if err != nil {
		return failure{1, err}
	}
	fmt.Fprintf(s.out, "%s is made. Each person signs in at /first-sign-in with a code, once, within %d days; it is shown nowhere else:\n\n", c.Name, int(app.CodeLife.Hours()/24))
	for _, p := range made {
		fmt.Fprintf(s.out, "  %-30s identifier %-12s code %s\n", p.Name, p.Identifier, p.Code)
	}
	return nil
}
