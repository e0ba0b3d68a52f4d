package main

import (
	"context"
	"time"

	"github.com/argoproj/gitops-engine/pkg/utils/kube"
)

// round is one comparison, and the operation that automated sync started because of it.
type round struct {
	Sync      string     `json:"sync"`
	Health    string     `json:"health"`
	Operation *operation `json:"operation,omitempty"`
}

// automate compares again and again, and starts an operation when the Application is out of sync: the first time with
// everything, and after that, with self-heal, with what differs. It prints a line a round.
func (c *cluster) automate(ctx context.Context, o options) error {
	policy := c.app.Spec.SyncPolicy
	isAttempted := false
	for index := range o.rounds {
		if index > 0 {
			time.Sleep(o.interval)
		}
		compared, err := c.compare()
		if err != nil {
			return err
		}
		done := round{Sync: compared.status.Sync, Health: compared.status.Health}
		if policy.Automated != nil && done.Sync == outOfSync && (!isAttempted || policy.Automated.SelfHeal) {
			var only map[kube.ResourceKey]bool
			if isAttempted {
				only = compared.outOfSync()
			}
			bounded, cancel := context.WithTimeout(ctx, o.timeout)
			result, err := c.operate(bounded, only)
			cancel()
			if err != nil {
				return err
			}
			done.Operation, isAttempted = &result, true
		}
		if err := print(done, nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) outOfSync() map[kube.ResourceKey]bool {
	keys := map[kube.ResourceKey]bool{}
	for index, target := range c.reconciled.Target {
		live := c.reconciled.Live[index]
		if target == nil || live == nil || c.diffs.Diffs[index].Modified {
			object := live
			if object == nil {
				object = target
			}
			keys[kube.GetResourceKey(object)] = true
		}
	}
	return keys
}
