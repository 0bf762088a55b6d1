package policy

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// ban is a function of a package that is not to be called.
type ban struct {
	pkg   string   // import path
	names []string // functions or variables; empty for all of them
	why   string
	mains bool     // banned in programs as well
	spare []string // files or folders that may; spared says why
}

func bans() []ban {
	clock := []string{"call/call.go"}                              // a refusal outside every call has no clock to ask
	strangers := []string{"examples", "test", "bench"}             // programs that stand for somebody else's
	records := []string{"observe/observe.go", "tlsedge/server.go"} // where the record goes when Config does not say
	libpq := []string{"internal/store/url.go"}                     // PGSSLMODE, which the driver reads too
	return []ban{
		{pkg: "os", names: []string{"Exit"}, why: "only a program ends the process"},
		{pkg: "log", why: "records go through log/slog, and only a program ends the process"},
		{pkg: "fmt", names: []string{"Print", "Printf", "Println"}, why: "standard output belongs to the command line"},
		{pkg: "os", names: []string{"Stdout", "Stderr", "Stdin"}, why: "standard streams belong to the command line", spare: records},
		{pkg: "os", names: []string{"Getenv", "LookupEnv", "Environ", "Setenv", "ExpandEnv"}, why: "settings come through internal/config", spare: libpq},
		{pkg: "time", names: []string{"Now", "Since", "Until"}, why: "the clock is a field of Config (Now: time.Now as a default is fine)", spare: clock},
		{pkg: "math/rand", why: "use crypto/rand, or a source that is a field of Config", mains: true},
		{pkg: "math/rand/v2", names: []string{"Int", "IntN", "Int64", "Int64N", "Uint32", "Uint64", "N", "Float64", "Perm", "Shuffle"},
			why: "randomness is a field of Config", mains: true},
		{pkg: "net/http", names: []string{"Error", "NotFound", "NotFoundHandler"}, why: "refusals leave through problem.Write"},
		{pkg: "net/http", names: []string{"DefaultServeMux", "Handle", "HandleFunc"}, why: "no package state"},
		{pkg: "net/http", names: []string{"DefaultClient", "Get", "Head", "Post", "PostForm", "ListenAndServe", "ListenAndServeTLS"},
			why: "a client or a server without timeouts", mains: true, spare: strangers},
		{pkg: "encoding/json", names: []string{"Marshal", "MarshalIndent", "Unmarshal", "NewDecoder", "NewEncoder", "Valid"},
			why: "all JSON goes through internal/strictjson", mains: true, spare: strangers},
		{pkg: "log/slog", names: []string{"Info", "Warn", "Error", "Debug", "Log", "Default", "SetDefault"}, why: "the logger is a field of Config", mains: true},
	}
}

// eachSelector calls f for every use of a name of an imported package that is a
// call or a value; called tells which.
func (s *source) eachSelector(f func(sel *ast.SelectorExpr, pkg, name string, called bool)) {
	imports := s.imports()
	called := map[ast.Node]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			called[c.Fun] = true
		}
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && imports[x.Name] != "" {
			f(sel, imports[x.Name], sel.Sel.Name, called[sel])
		}
		return true
	})
}

func bannedCalls(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		s.eachSelector(func(sel *ast.SelectorExpr, pkg, name string, called bool) {
			for _, b := range bans() {
				if b.hits(s, pkg, name, called) {
					breaches = append(breaches, s.at(sel.Pos())+": "+pkg+"."+name+": "+b.why)
				}
			}
		})
		breaches = append(breaches, sleeps(s)...)
		breaches = append(breaches, panics(s)...)
		breaches = append(breaches, rewrites(s)...)
	}
	return breaches
}

func (b ban) hits(s *source, pkg, name string, called bool) bool {
	if pkg != b.pkg || len(b.names) > 0 && !slices.Contains(b.names, name) {
		return false
	}
	if s.test || supportsTests(s.dir) || s.main() && !b.mains {
		return false
	}
	if pkg == "time" && !called {
		return false // time.Now as the value of a field
	}
	return !slices.ContainsFunc(b.spare, func(p string) bool { return s.path == p || strings.HasPrefix(s.path, p+"/") })
}

func (s *source) usesImport(p string) bool {
	for _, i := range s.file.Imports {
		if strings.Trim(i.Path.Value, `"`) == p {
			return true
		}
	}
	return false
}

// maySleep are the tests that must let real time pass, each with its reason.
func maySleep() map[string]string {
	return map[string]string{
		"internal/store/postgres_test.go": "the server ends an idle transaction by its own clock",
	}
}

// sleeps refuses time.Sleep, but for a test that asks again and again (a loop)
// and for one whose time is not real (testing/synctest).
func sleeps(s *source) []string {
	if s.test && (s.usesImport("testing/synctest") || maySleep()[s.path] != "") || strings.HasPrefix(s.path, "test/") {
		return nil
	}
	var breaches []string
	looped := map[ast.Node]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if loop, ok := n.(*ast.ForStmt); ok && s.test {
			ast.Inspect(loop, func(inner ast.Node) bool {
				looped[inner] = true
				return true
			})
		}
		return true
	})
	s.eachSelector(func(sel *ast.SelectorExpr, pkg, name string, _ bool) {
		if pkg == "time" && name == "Sleep" && !looped[sel] {
			breaches = append(breaches, s.at(sel.Pos())+": time.Sleep: wait on a channel, a context or a timer; in tests use testing/synctest")
		}
	})
	return breaches
}

// mayPanic are the functions that may, each with its reason.
func mayPanic() map[string]string {
	return map[string]string{
		"internal/strictjson.str": "a checked text that does not unquote is a defect of ours, never to be served",
		"internal/store.openSQL":  "only a driver that is not linked in, which is a defect of the build",
		"call.SetPrincipal":       "two layers that both believe they know who calls is a defect of ours, and a breach",
	}
}

func panics(s *source) []string {
	if s.test {
		return nil
	}
	var breaches []string
	s.functions(func(f *ast.FuncDecl) {
		ast.Inspect(f.Body, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "panic" && !aborts(c) && mayPanic()[s.dir+"."+f.Name.Name] == "" {
				breaches = append(breaches, s.at(c.Pos())+": panic: return an error, or give the reason in mayPanic()")
			}
			return true
		})
	})
	return breaches
}

// aborts tells whether it is net/http's own way to break a connection off.
func aborts(c *ast.CallExpr) bool {
	if len(c.Args) != 1 {
		return false
	}
	sel, ok := c.Args[0].(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "ErrAbortHandler"
}

// rewrites finds a layer that passes a fact on by changing the request.
func rewrites(s *source) []string {
	if s.test || supportsTests(s.dir) { // which make requests rather than pass them on
		return nil
	}
	var breaches []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for _, l := range a.Lhs {
			if sel, ok := l.(*ast.SelectorExpr); ok && (sel.Sel.Name == "RemoteAddr" || sel.Sel.Name == "RequestURI") {
				breaches = append(breaches, s.at(l.Pos())+": rewrites "+sel.Sel.Name+"; facts live in call.Call")
			}
		}
		return true
	})
	return breaches
}

func bannedImports(t *tree) []string {
	banned := map[string]string{
		"unsafe":                "no unsafe code of our own",
		"C":                     "the whole builds with CGO_ENABLED=0",
		"plugin":                "one static binary",
		"expvar":                "package state, and it registers itself on the default mux",
		"net/http/pprof":        "it registers itself on the default mux",
		"golang.org/x/net":      "net/http is the server",
		"github.com/pkg/errors": "errors are wrapped with %w",
	}
	var breaches []string
	for _, s := range t.sources {
		for _, i := range s.file.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if why := banned[p]; why != "" {
				breaches = append(breaches, s.path+": imports "+p+": "+why)
			}
			if i.Name != nil && i.Name.Name == "." {
				breaches = append(breaches, s.path+": a dot import hides where a name is from")
			}
		}
	}
	return breaches
}

// queriesAreConstant wants the text of every statement to be a constant, so that
// values can only be arguments. It looks at the calls that take SQL.
func queriesAreConstant(t *tree) []string {
	var breaches []string
	for _, dir := range t.dirs() {
		constants := constantsOf(t.in(dir))
		for _, s := range t.in(dir) {
			if s.test || supportsTests(dir) || !s.speaksSQL() {
				continue
			}
			s.functions(func(f *ast.FuncDecl) {
				if mayCompose()[dir+"."+f.Name.Name] == "" {
					breaches = append(breaches, composedQueries(s, f, constants)...)
				}
			})
			breaches = append(breaches, clientSide(s)...)
		}
	}
	return breaches
}

// mayCompose are the functions whose statement is not a constant, each with the
// reason why no value from outside can be part of it.
func mayCompose() map[string]string {
	const through = "the door itself: the statement is the caller's, and this rule looks at the caller"
	const stated = "the statement and the table come from literals of Statement and Plan, which this rule looks at"
	return map[string]string{
		"internal/store.Exec": through, "internal/store.Query": through, "internal/store.QueryRow": through,
		"internal/store.audit": stated, "internal/store.run": stated, "internal/store.hold": stated,
		"internal/store.begin": "one of three constants of this package",
		"internal/store.look":  stated, "internal/store.queue": stated, "internal/store.merge": stated,
	}
}

func (s *source) speaksSQL() bool {
	return s.dir == "internal/store" || s.usesImport("database/sql") || s.usesImport(module+"/internal/store")
}

func composedQueries(s *source, f *ast.FuncDecl, constants []string) []string {
	takes := map[string]int{ // the position of the statement among the arguments
		"Exec": 1, "Query": 1, "QueryRow": 1,
		"Queue": 0, "ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1,
	}
	var breaches []string
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if literal, ok := n.(*ast.CompositeLit); ok {
			for _, field := range statementFields(literal) {
				if !constant(field, constants) {
					breaches = append(breaches, s.at(field.Pos())+": a statement that is no constant; bind the value, or give the reason in mayCompose()")
				}
			}
		}
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if i, ok := takes[sel.Sel.Name]; ok && i < len(c.Args) && !constant(c.Args[i], constants) {
			breaches = append(breaches, s.at(c.Pos())+": a statement that is no constant; bind the value, or give the reason in mayCompose()")
		}
		return true
	})
	return breaches
}

// statementFields are the texts that a literal of store.Statement or store.Plan
// gives to the database. In a list of Statements the type is left out, so every
// literal without a type counts.
func statementFields(l *ast.CompositeLit) []ast.Expr {
	name := ""
	switch t := l.Type.(type) {
	case *ast.Ident:
		name = t.Name
	case *ast.SelectorExpr:
		name = t.Sel.Name
	}
	if l.Type != nil && name != "Statement" && name != "Plan" {
		return nil
	}
	var fields []ast.Expr
	for _, e := range l.Elts {
		f, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := f.Key.(*ast.Ident); ok && (key.Name == "SQL" || key.Name == "Many" || key.Name == "Table") {
			fields = append(fields, f.Value)
		}
	}
	return fields
}

// constant tells whether an expression is text that no request can change.
func constant(e ast.Expr, constants []string) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return slices.Contains(constants, e.Name)
	case *ast.BinaryExpr:
		return constant(e.X, constants) && constant(e.Y, constants)
	case *ast.ParenExpr:
		return constant(e.X, constants)
	}
	return false
}

func constantsOf(files []*source) []string {
	var names []string
	for _, s := range files {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, spec := range g.Specs {
					for _, id := range spec.(*ast.ValueSpec).Names {
						names = append(names, id.Name)
					}
				}
			}
			return true
		})
	}
	return names
}

// clientSide finds the mode of pgx that writes arguments into the statement.
func clientSide(s *source) []string {
	if s.path == "internal/store/url.go" { // which refuses it
		return nil
	}
	var breaches []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if strings.Contains(n.Value, "simple_protocol") {
				breaches = append(breaches, s.at(n.Pos())+": the simple protocol writes arguments into the statement")
			}
		case *ast.SelectorExpr:
			if n.Sel.Name == "QueryExecModeSimpleProtocol" {
				breaches = append(breaches, s.at(n.Pos())+": the simple protocol writes arguments into the statement")
			}
		}
		return true
	})
	return breaches
}

// oneAnswerWriter keeps the one wrapper of http.ResponseWriter in call.
func oneAnswerWriter(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		if s.test || s.dir == "call" {
			continue
		}
		s.functions(func(f *ast.FuncDecl) {
			if f.Recv != nil && f.Name.Name == "WriteHeader" {
				breaches = append(breaches, s.at(f.Pos())+": a second wrapper of http.ResponseWriter; the one is call.Writer")
			}
		})
	}
	return breaches
}

// testsRun refuses what lets a test pass by not running.
func testsRun(t *tree) []string {
	var breaches []string
	for _, s := range t.sources {
		if !s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := c.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch sel.Sel.Name {
			case "Skip", "Skipf", "SkipNow":
				if len(sel.Sel.Name) > 0 && isTestVar(sel.X) {
					breaches = append(breaches, s.at(c.Pos())+": a test that does not run says nothing")
				}
			case "Short":
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "testing" {
					breaches = append(breaches, s.at(c.Pos())+": one way to run the tests: all of them")
				}
			}
			return true
		})
	}
	return breaches
}

func isTestVar(e ast.Expr) bool {
	x, ok := e.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "f", "tb"}, x.Name)
}
