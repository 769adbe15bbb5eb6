// Command preau is the whole program: the server of an installation, its
// demonstration, and the tools of whoever operates it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/drill"
)

func main() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// commands are the program's commands; each is a file of this folder.
type commands struct {
	Config  kong.ConfigFlag  `help:"JSON file with any of these options, such as {\"mail-host\": \"smtp.example.org\"}. A flag wins over it, and it wins over the environment." env:"PREAU_CONFIG" type:"path" placeholder:"FILE"`
	Version kong.VersionFlag `help:"Print the version."`

	Demo    demoCmd    `cmd:"" help:"A fictional school to try: no configuration, no network, nothing leaves."`
	Init    initCmd    `cmd:"" help:"Make an installation and its first operator."`
	Serve   serveCmd   `cmd:"" help:"Serve an installation."`
	Import  importCmd  `cmd:"" help:"Read a directory export into an installation."`
	Explain explainCmd `cmd:"" help:"Tell the whole story of one message."`
	Verify  verifyCmd  `cmd:"" help:"Find the first line of the journal that was altered, is missing or was cut off."`
	Carrier carrierCmd `cmd:"" help:"List the carriers of messages, or try one without sending anything."`
	School  schoolCmd  `cmd:"" help:"End a school in this installation."`
	Guard   guardCmd   `cmd:"" help:"Stand between a school's existing tool and its carrier."`
	Drill   drillCmd   `cmd:"" help:"Replay a morning that schools have lived, and count what would have left."`
	Ready   readyCmd   `cmd:"" help:"Say how many people this machine holds: six-april, replayed on it with a throw-away copy."`
	Bare    bareCmd    `cmd:"" hidden:"" help:"The server that the drill waiting-page compares with."`
	Doctor  doctorCmd  `cmd:"" help:"Print the configuration in force and what is wrong with it."`
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// failure is an end that is no success, with its exit status. Its text is printed.
type failure struct {
	status int
	err    error
}

func (f failure) Error() string { return f.err.Error() }

// Main runs one command and gives the exit status: 0 done, 1 not done or not wholly, 2
// the command line is wrong.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	parser, err := kong.New(&c, kong.Name("preau"), kong.Description("Préau, a school's digital workspace: the right guardians, and only them."),
		kong.Configuration(configFile), kong.Writers(stdout, stderr), kong.UsageOnError(), kong.Vars{"version": "preau " + app.Version, "formats": strings.Join(directory.Formats(), ","), "drills": strings.Join(drill.Names(), ",")},
		kong.Exit(func(code int) { panic(exit(code)) }))
	if err != nil {
		fmt.Fprintln(stderr, "preau:", err)
		return 2
	}
	return run(parser, args, streams{stdin, stdout, stderr})
}

type exit int

func run(parser *kong.Kong, args []string, s streams) (status int) {
	defer func() { // kong ends --help and --version by calling Exit
		if code := recover(); code != nil {
			e, ok := code.(exit)
			if !ok {
				panic(code)
			}
			status = int(e)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(s.err, "preau: %v\nSee preau --help.\n", err)
		return 2
	}
	// A second signal ends the program at once.
	stopping, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-stopping.Done(); stop() }()
	ctx.BindTo(stopping, (*context.Context)(nil))
	ctx.Bind(s)
	err = ctx.Run()
	var f failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		status = f.status
	default:
		status = 1
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(s.err, "preau:", text)
	}
	return status
}

// logger writes what the program says of itself: ids, never names.
func logger(c app.Config, w io.Writer) *slog.Logger {
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
