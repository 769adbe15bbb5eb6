package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/preau-ent/preau/internal/drill"
)

// statusVoid is the exit status of a drill that shows nothing; 1 is of one that is not passed.
const statusVoid = 3

// drillCmd replays a morning on a folder of its own, with the real program and carriers
// that end on this machine.
type drillCmd struct {
	Name   string  `arg:"" enum:"${drills}" help:"${drills}: see docs/drills.md."`
	JSON   string  `name:"json" help:"Write the figures as one JSON object to FILE, - for the standard output." placeholder:"FILE"`
	Report string  `help:"Draw the drill in one HTML file." placeholder:"FILE.html"`
	Scale  float64 `help:"Shorten the school and the day, above 0 and at most 1; the rates stay as they are." default:"1"`
	Fire   bool    `name:"under-fire" help:"Of a wrong-message drill: the crowd of six-april is before the same program meanwhile."`
	Base   string  `name:"database" help:"Of year: an empty PostgreSQL database of this machine, in the place of SQLite." placeholder:"postgres://…"`
	Seed   int64   `help:"Of the school, of who is absent and of what goes wrong." default:"1"`
}

func (c *drillCmd) Run(ctx context.Context, s streams) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	out := s.out
	if c.JSON == "-" {
		out = s.err // the standard output is the JSON's alone
	}
	result, err := drill.Run(ctx, c.Name, drill.Options{Program: program, Scale: c.Scale, Seed: c.Seed, Fire: c.Fire, Database: c.Base, Log: out})
	if err != nil {
		return err
	}
	result.WriteTable(out)
	if err := c.write(s, result); err != nil {
		return err
	}
	if result.Void != "" {
		return failure{statusVoid, fmt.Errorf("the drill %s is void: %s", c.Name, result.Void)}
	}
	if !result.Passed {
		return failure{1, fmt.Errorf("the drill %s is not passed", c.Name)}
	}
	return nil
}

// bareCmd is a part of the drill waiting-page, in a process of its own.
type bareCmd struct{}

func (bareCmd) Run(ctx context.Context, s streams) error { return drill.Bare(ctx, s.in, s.out) }

func (c *drillCmd) write(s streams, r drill.Result) error {
	if c.JSON == "-" {
		if err := r.WriteJSON(s.out); err != nil {
			return err
		}
	} else if err := toFile(c.JSON, r.WriteJSON); err != nil {
		return err
	}
	return toFile(c.Report, r.WriteReport)
}

// toFile writes a file whole; without a name, none.
func toFile(path string, write func(io.Writer) error) error {
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
