package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// fileOptions are the options of a configuration file, under the names that flags have.
type fileOptions map[string]any

// configFile reads a JSON file of options. A name that no option has is refused (see
// Validate): a setting that is silently ignored is a school on the wrong database.
func configFile(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	options := fileOptions{}
	if err := json.Unmarshal(text, &options); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("the configuration file, line %d: %w", 1+strings.Count(string(text[:syntax.Offset]), "\n"), err)
		}
		return nil, fmt.Errorf("the configuration file is one JSON object, {\"option\": value}: %w", err)
	}
	return options, nil
}

// Validate refuses a name that no command has an option of.
func (o fileOptions) Validate(app *kong.Application) error {
	known := map[string]bool{}
	kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[f.Name] = true
		}
		return next(nil)
	})
	for name := range o {
		if !known[name] {
			return fmt.Errorf("the configuration file has %q, which is no option: see preau serve --help", name)
		}
	}
	return nil
}

// Resolve gives the value of an option; nil: the file does not say.
func (o fileOptions) Resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	v := o[f.Name]
	switch v.(type) {
	case nil, string, bool:
		return v, nil
	case float64:
		return fmt.Sprint(v), nil
	}
	return nil, fmt.Errorf("the configuration file: %q is a text, a number, true or false", f.Name)
}
