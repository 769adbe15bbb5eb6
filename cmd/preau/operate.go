package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
)

type initCmd struct {
	app.Config `embed:""`
	Operator   string `help:"Identifier of the first operator." default:"operator"`
	NewCode    bool   `help:"The installation is there and its operator cannot get in: print a new one-time code."`
}

func (c *initCmd) Run(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Installing})
	if err != nil {
		return err
	}
	defer a.Close()
	identifier, code, until, err := a.Init(ctx, c.Operator, c.NewCode)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The installation is in %s.\n\nIts operator signs in at /first-sign-in with this code, once, before %s:\n\n  identifier  %s\n  code        %s\n\nThe code is shown nowhere else. Start with: preau serve --data %s\n",
		c.Data, until.Format("2 January 2006"), identifier, code, c.Data)
	return nil
}

type importCmd struct {
	app.Config `embed:""`
	AcceptLoss bool     `help:"Take a school even if it loses more than a tenth of its pupils or links."`
	DryRun     bool     `help:"Read and count; write nothing."`
	Format     string   `help:"Format of the files (${formats}): auto tells by what they hold." enum:"${formats}" default:"auto"`
	Dialect    string   `help:"What levels of responsibility mean, asked for where the files contradict themselves: auto, before-2018 (1 and 2 are legal representatives) or after-2018 (1 alone is); or that a OneRoster export without a manifest is whole." enum:"auto,before-2018,after-2018,oneroster-1.1,oneroster-1.2" default:"auto"`
	UAI        string   `name:"uai" help:"Code of the school, for formats whose files do not say it (onde, plain)." placeholder:"CODE"`
	Map        string   `help:"What the columns of a plain table (CSV or .xlsx) are: Nom=last,Prénom=first,Né le=born,Classe=class,Mère=g1.last,Portable=g1.sms… See docs/operating.md." placeholder:"COLUMN=FIELD,…"`
	Sheet      string   `help:"Sheet of an .xlsx workbook to read, where several have rows." placeholder:"NAME"`
	AllLegal   bool     `help:"The school vouches that every guardian of the files is a legal representative, for formats whose files do not say it (onde, plain)."`
	JSON       string   `name:"json" help:"Write the counts as JSON to FILE, - for the standard output." placeholder:"FILE"`
	Undo       string   `help:"Undo the last import of the school with this code, if nothing leans on it yet; takes no PATH." placeholder:"CODE"`
	Paths      []string `arg:"" optional:"" name:"PATH" help:"Folders or files of one export."`
}

func (c *importCmd) Run(ctx context.Context, s streams) error {
	switch {
	case c.Undo != "" && (len(c.Paths) > 0 || c.DryRun):
		return failure{2, errors.New("--undo takes a school's code alone: no PATH, no --dry-run")}
	case c.Undo != "":
		return c.undo(ctx, s)
	case len(c.Paths) == 0:
		return failure{2, errors.New("say which folder or files to read: preau import PATH")}
	}
	file, err := c.open(s)
	if err != nil {
		return err // before anything is taken
	}
	defer file.Close()
	export, err := directory.ReadExport(ctx, c.Paths, directory.Reading{Format: c.Format, English: true, Dialect: strings.TrimPrefix(c.Dialect, "auto"), UAI: c.UAI, AllLegal: c.AllLegal, Map: c.Map, Sheet: c.Sheet, Day: time.Now().Format(time.DateOnly)})
	if err != nil {
		return err
	}
	report := export.Report()
	report.DryRun = c.DryRun
	if c.DryRun {
		if report.Difference, err = c.difference(ctx, s, export); err != nil {
			return err
		}
	}
	if !c.DryRun && report.Schools > 0 {
		a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Writing})
		if err != nil {
			return err
		}
		defer a.Close()
		report, err = directory.Import(ctx, a.DB, a.Journal, export, directory.Order{By: "command", AcceptLoss: c.AcceptLoss}, a.Clock.Now())
		if err != nil {
			return err
		}
	}
	if err := c.write(s, file, report); err != nil {
		return err
	}
	if len(report.Refused) > 0 || report.Schools == 0 {
		return failure{1, fmt.Errorf("not everything was taken: %d refused", len(report.Refused))}
	}
	return nil
}

// open opens where the JSON goes; nil: nowhere.
func (c *importCmd) open(s streams) (io.WriteCloser, error) {
	switch c.JSON {
	case "":
		return nopClose{io.Discard}, nil
	case "-":
		return nopClose{s.out}, nil
	}
	return os.Create(c.JSON)
}

type nopClose struct{ io.Writer }

func (nopClose) Close() error { return nil }

func (c *importCmd) write(s streams, file io.Writer, r directory.ImportReport) error {
	if err := writeJSON(file, r); err != nil {
		return err
	}
	out := s.out
	if c.JSON == "-" {
		out = s.err // the standard output is the JSON's alone
	}
	for _, one := range r.Refused {
		fmt.Fprintf(out, "refused: %s: %s\n", one.Place(), one.Reason)
	}
	for _, one := range r.PerSchool {
		if !one.Taken {
			fmt.Fprintf(out, "not taken: %s %s\n", one.UAI, one.Name)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	for _, one := range r.Remarks {
		fmt.Fprintf(out, "remark: %s: %s\n", one.Place(), one.Reason)
	}
	for _, one := range r.Difference {
		writeDifference(out, one)
	}
	verb := "taken"
	if c.DryRun {
		verb = "would be taken"
	}
	fmt.Fprintf(out, "%d schools %s: %d pupils, %d guardians in the files, %d links (%d may be told, %d may not, %d unresolved); %d rows changed\n",
		r.Schools, verb, r.Pupils, r.Guardians, r.Links, r.MayBeTold, r.MayNotBeTold, r.Unresolved, r.Changed)
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type explainCmd struct {
	app.Config `embed:""`
	Lang       string `help:"Language of the story." enum:"fr,en" default:"en" env:"PREAU_LANG"`
	Message    string `arg:"" name:"MESSAGE" help:"Reference printed in the message, its id, or an e-mail's Message-ID."`
}

func (c *explainCmd) Run(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Reading})
	if err != nil {
		return err
	}
	defer a.Close()
	err = a.Explain(ctx, s.out, c.Message, c.Lang)
	if errors.Is(err, courier.ErrNotFound) {
		return failure{1, fmt.Errorf("no message %s ever was in this installation: if a family got it, it is not from here", c.Message)}
	}
	return err
}

type verifyCmd struct {
	app.Config `embed:""`
}

func (c *verifyCmd) Run(ctx context.Context, s streams) error {
	a, err := app.Open(ctx, c.Config, app.Options{Log: logger(c.Config, s.err), For: app.Reading})
	if err != nil {
		return err
	}
	defer a.Close()
	lines, faults, err := a.Verify(ctx)
	if err != nil {
		return err
	}
	for _, f := range faults {
		fmt.Fprintln(s.out, f.Error())
	}
	if len(faults) > 0 {
		return failure{1, fmt.Errorf("%d chains of the journal are not whole", len(faults))}
	}
	fmt.Fprintf(s.out, "%d lines, every chain whole\n", lines)
	return nil
}

type doctorCmd struct {
	app.Config `embed:""`
}

func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	if !app.Doctor(ctx, s.out, c.Config, time.Now()) {
		return failure{1, errors.New("something has to be mended before this installation can serve")}
	}
	return nil
}
