package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/gatehouse-api/gatehouse/internal/strictjson"
)

// version is the release; the build may set it with -ldflags -X main.version=….
var version = "0.1.0-dev"

// commit is the revision that the program was built from, "" when unknown.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

type versionCmd struct{}

// Run prints one line.
func (versionCmd) Run(t *terminal) error {
	if t.global.JSON {
		return t.printJSON(map[string]string{
			"schema": "gatehouse.version/1", "version": version, "commit": commit(), "go": runtime.Version(),
		})
	}
	_, err := fmt.Fprintf(t.out, "gatehouse %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// printJSON prints one document on one line.
func (t *terminal) printJSON(v any) error {
	b, err := strictjson.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\n", b)
	return err
}
