// Command argocd-engine does what Argo CD's application controller does, with its sync engine and without its server: it
// compares the manifests of an Application with a cluster, syncs them and judges their health. Results are JSON on stdout.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// version is the release of Argo CD that pins the engine in go.mod.
const version = "3.2.0"

const usage = `usage: argocd-engine COMMAND --application FILE --repository DIR --settings FILE [--kubeconfig FILE]
  status     what differs and how healthy it is
  sync       one operation, with the retries of the Application; --timeout ends it while it runs
  automate   what automated sync does in --rounds comparisons
  delete     deletes the Application's objects, as its finalizer does
  health     the health of the object on stdin, by --settings alone`

type options struct {
	application, repository, settings, kubeconfig string
	timeout, waveDelay, interval                  time.Duration
	rounds                                        int
}

func main() {
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	klog.SetLogger(logr.Discard())
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	if args[0] == "--version" {
		fmt.Println("argocd-engine", version)
		return nil
	}
	var o options
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.StringVar(&o.application, "application", "", "file of the Application")
	flags.StringVar(&o.repository, "repository", ".", "folder that spec.source.path is below")
	flags.StringVar(&o.settings, "settings", "", "file of the ConfigMap argocd-cm")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster")
	flags.DurationVar(&o.timeout, "timeout", time.Minute, "how long an operation may take")
	flags.DurationVar(&o.waveDelay, "wave-delay", 2*time.Second, "ARGOCD_SYNC_WAVE_DELAY")
	flags.DurationVar(&o.interval, "interval", time.Second, "time between comparisons, and before a self-heal is repeated")
	flags.IntVar(&o.rounds, "rounds", 3, "number of comparisons")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	checks, err := readHealthChecks(o.settings)
	if err != nil {
		return err
	}
	if args[0] == "health" {
		return printHealth(os.Stdin, checks)
	}
	app, err := readApplication(o.application, o.repository)
	if err != nil {
		return err
	}
	cluster, err := openCluster(o, app, checks)
	if err != nil {
		return err
	}
	ctx := context.Background()
	switch args[0] {
	case "status":
		return print(cluster.status())
	case "sync":
		bounded, cancel := context.WithTimeout(ctx, o.timeout)
		defer cancel()
		return print(cluster.operate(bounded, nil))
	case "automate":
		return cluster.automate(ctx, o)
	case "delete":
		return print(cluster.deleteObjects(ctx))
	default:
		return errors.New(usage)
	}
}

func print(value any, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(value)
}
