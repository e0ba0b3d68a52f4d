// Command temporal is a Temporal development server: all services in one process on loopback, with their state in one
// SQLite file. It accepts the arguments that KFlow passes to `temporal server start-dev`, and replaces the Temporal CLI
// where its release cannot be downloaded: the module of the CLI cannot be built as a dependency.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	_ "time/tzdata"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/headers"
)

type options struct {
	ip         string
	port       int
	database   string
	logLevel   string
	namespaces list
	attributes attributes
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// attributes is a flag `Name=Type` for one custom search attribute.
type attributes map[string]enums.IndexedValueType

func (a *attributes) String() string { return fmt.Sprint(map[string]enums.IndexedValueType(*a)) }

func (a *attributes) Set(value string) error {
	name, typeName, _ := strings.Cut(value, "=")
	kind, err := enums.IndexedValueTypeFromString(typeName)
	if err != nil || name == "" {
		return fmt.Errorf("want Name=Type, as in Job=Keyword, got %q", value)
	}
	if *a == nil {
		*a = attributes{}
	}
	(*a)[name] = kind
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Printf("temporal server %s (built by KFlow)\n", headers.ServerVersion)
		return nil
	}
	if len(args) < 2 || args[0] != "server" || args[1] != "start-dev" {
		return errors.New("usage: temporal --version | temporal server start-dev --db-filename FILE [flags]")
	}
	o, err := parseOptions(args[2:])
	if err != nil {
		return err
	}
	server, err := newServer(o)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	fmt.Printf("Temporal server %s on %s\n", headers.ServerVersion, net.JoinHostPort(o.ip, strconv.Itoa(o.port)))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	return server.Stop()
}

func parseOptions(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("temporal server start-dev", flag.ContinueOnError)
	flags.StringVar(&o.ip, "ip", "127.0.0.1", "address to listen on")
	flags.IntVar(&o.port, "port", 7233, "port of the gRPC frontend")
	flags.StringVar(&o.database, "db-filename", "", "SQLite file; made when it does not exist")
	flags.StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn, error")
	flags.Var(&o.namespaces, "namespace", "one more namespace beside default")
	flags.Var(&o.attributes, "search-attribute", "one more search attribute, Name=Type")
	flags.Bool("headless", true, "without the web page, which this build does not have")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.database == "" {
		return o, errors.New("--db-filename is missing")
	}
	if _, err := os.Stat(filepath.Dir(o.database)); err != nil {
		return o, err
	}
	return o, nil
}
