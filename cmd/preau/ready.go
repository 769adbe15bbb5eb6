package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/drill"
)

// readyCmd says how many people this machine holds, before somebody promises it.
type readyCmd struct {
	app.Config `embed:""`
	Pupils     int     `help:"Pupils of the directory; 0 with the two others: as the installation's own has."`
	Staff      int     `help:"Its staff."`
	Guardians  int     `help:"Its guardians."`
	Link       float64 `help:"The line to the outside, in Mbit/s each way; 0: without a limit." default:"100"`
	Scale      float64 `help:"Shorten the wave and the schools, above 0 and at most 1; the rates stay as they are." default:"1"`
	JSON       string  `name:"json" help:"Write all of it as one JSON object to FILE, - for the standard output." placeholder:"FILE"`
	Report     string  `help:"Draw it in one HTML file." placeholder:"FILE.html"`
	Seed       int64   `help:"Of the people made up." default:"1"`
}

func (c *readyCmd) Run(ctx context.Context, s streams) error {
	if c.Scale <= 0 || c.Scale > 1 {
		return failure{2, errors.New("--scale is above 0 and at most 1")}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	o := drill.ReadyOptions{Program: program, Pupils: c.Pupils, Staff: c.Staff, Guardians: c.Guardians, Link: c.Link, Scale: c.Scale, Seed: c.Seed, Log: s.err}
	// The copy is beside the installation's own folder, so that its disk is the one measured.
	if _, err := os.Stat(c.Data); err == nil {
		o.Folder = filepath.Dir(c.Data)
		if o.Folder, err = os.MkdirTemp(o.Folder, ".preau-ready-"); err != nil {
			return fmt.Errorf("the throw-away copy is made beside --data, on the same disk: %w", err)
		}
		defer os.RemoveAll(o.Folder)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c.Pupils+c.Staff+c.Guardians == 0 {
		if o.Pupils, o.Staff, o.Guardians, err = c.people(ctx, s.err); err != nil {
			return fmt.Errorf("the directory cannot be counted; say how many with --pupils, --staff and --guardians: %w", err)
		}
	}
	y, err := drill.Ready(ctx, o)
	if err != nil {
		return err
	}
	if c.JSON == "-" {
		if err := y.WriteJSON(s.out); err != nil {
			return err
		}
	} else {
		y.WriteWords(s.out)
		if err := toFile(c.JSON, y.WriteJSON); err != nil {
			return err
		}
	}
	if err := toFile(c.Report, y.Drill.WriteReport); err != nil {
		return err
	}
	switch {
	case y.Drill.Void != "":
		return failure{statusVoid, fmt.Errorf("nothing was measured: %s", y.Drill.Void)}
	case !y.Drill.Passed:
		return failure{1, errors.New("this machine answers, and not everything was as it should be")}
	}
	return nil
}

// people counts the installation's directory, and reads nothing else of it.
func (c *readyCmd) people(ctx context.Context, log io.Writer) (pupils, staff, guardians int, err error) {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, log), For: app.Reading})
	if err != nil {
		return 0, 0, 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.People(ctx)
}
