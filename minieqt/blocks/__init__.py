"""The network's blocks, which wire layers and nothing else. In the order of the signal: `encoder`, `rescnn`, `bilstm`,
`transformer`, `decoder`; `phase` is the branch of P and of S.
"""
