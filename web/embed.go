// Package web carries the built scripts, styles and pictures of the pages, as
// committed in dist/. It promises that the program needs no file beside itself:
// what build.mjs made is inside.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Files is dist/: app.css, app.js, mark.svg, under their plain names.
// page.NewAssets gives them names that change with their content.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: " + err.Error()) // dist is there at build time or the build fails
	}
	return files
}
